"""Counts the users of a topic in a table: BOOTSTRAP, APP, IN and OUT are of the environment."""
import os

import faust

app = faust.App(os.environ["APP"], broker="kafka://" + os.environ["BOOTSTRAP"], store="memory://", topic_partitions=2, web_enabled=False)


class Order(faust.Record, serializer="json"):
    user: str


source, sink = app.topic(os.environ["IN"], value_type=Order), app.topic(os.environ["OUT"])
counts = app.Table("counts", default=int, partitions=2)


@app.agent(source, sink=[sink])
async def count(stream):
    async for order in stream.group_by(Order.user):
        counts[order.user] += 1
        yield str(counts[order.user])


if __name__ == "__main__":
    app.main()
