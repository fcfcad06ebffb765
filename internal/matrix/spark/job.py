"""A Spark job as people write them: HOW BROKERS FROM TO [CHECKPOINT]. No line of it is about lineage."""
import sys

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, from_json, lit, struct, to_json

how, brokers, source, target = sys.argv[1:5]
spark = SparkSession.builder.getOrCreate()
kafka = {"kafka.bootstrap.servers": brokers}
orders = "id INT, amount INT, email STRING"


def rows(frame):
    return frame.select(from_json(col("value").cast("string"), orders).alias("o")).select("o.*")


if how in ("files", "topic", "column"):
    read = spark.read.format("kafka").options(**kafka, subscribe=source, startingOffsets="earliest", endingOffsets="latest").load()
    out = rows(read).where("amount > 0")
    if how == "files":
        out.select("id", col("email").alias("mail")).write.mode("overwrite").parquet(target)
    else:
        out = out.select(to_json(struct("id", "email")).alias("value"))
        if how == "topic":
            out.write.format("kafka").options(**kafka, topic=target).save()
        else:
            out.withColumn("topic", lit(target)).write.format("kafka").options(**kafka).save()
elif how == "stream":
    read = spark.readStream.format("kafka").options(**kafka, subscribe=source, startingOffsets="earliest").load()
    out = rows(read).select(to_json(struct("id", "email")).alias("value"))
    query = out.writeStream.format("kafka").options(**kafka, topic=target, checkpointLocation=sys.argv[5]).start()
    query.processAllAvailable()
    query.stop()
else:
    raise ValueError(how)
spark.stop()
