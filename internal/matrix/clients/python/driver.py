"""One cell of the matrix with a Python client: carries out the steps that standard input's JSON names, and prints what it truly did.

In: {library, mode, brokers, topic, out, group, id, partitions, client, user, password, steps: [{do, n, to, seconds}]}; client is its client.id, empty: the library's own; user is whom it is to a secured cluster. Out: {read, wrote, unsupported}, as one line, flushed before a step that
does not return. The class of a library knows the library; what happens is the caller's."""
import asyncio
import json
import os
import sys
import time


class Unsupported(Exception):
    """The library can't do it; its text is the reason."""


LIMIT = 60  # seconds that a step may wait for records


class Confluent:
    def __init__(self, cell):
        import confluent_kafka as k

        self.k, self.cell, self.next, self.last, self.produced = k, cell, {}, {}, 0
        mode, base = cell["mode"], {"bootstrap.servers": cell["brokers"]}
        if cell.get("client"):
            base["client.id"] = cell["client"]
        if cell.get("user"):
            base.update({"security.protocol": "SASL_PLAINTEXT", "sasl.mechanisms": "PLAIN", "sasl.username": cell["user"], "sasl.password": cell["password"]})
        if cell["role"] == "write":
            conf = dict(base)
            if mode == "idempotent":
                conf["enable.idempotence"] = True
            if mode == "transactional":
                conf["transactional.id"] = cell["id"]
            self.p = k.Producer(conf)
            if mode == "transactional":
                self.p.init_transactions(30)
            return
        conf = dict(base, **{"group.id": cell["group"], "auto.offset.reset": "earliest", "enable.auto.commit": mode == "async", "auto.commit.interval.ms": 1000})
        if mode == "share":
            self.c = k.ShareConsumer(dict(base, **{"group.id": cell["group"]}))
        else:
            if mode == "kip848":
                conf["group.protocol"] = "consumer"
            if mode == "static":
                conf["group.instance.id"] = "seat-1"
            if mode == "copy":
                conf["isolation.level"] = "read_committed"
                self.p = k.Producer(dict(base, **{"transactional.id": cell["id"]}))
                self.p.init_transactions(30)
            self.c = k.Consumer(conf)
        if mode in ("assign", "lone"):
            self.c.assign([k.TopicPartition(cell["topic"], p, k.OFFSET_BEGINNING) for p in range(cell["partitions"])])
        else:
            self.c.subscribe([cell["topic"]])

    def poll(self, n):
        if self.cell["mode"] == "share":
            return [m for m in self.c.poll(1.0) if not m.error()]
        return [m for m in self.c.consume(n, 1.0) if not m.error()]

    def read(self, n):
        got = []
        end = time.time() + LIMIT
        while len(got) < n and time.time() < end:
            for m in self.poll(n - len(got)):
                got.append(m)
                self.next[m.partition()], self.last[m.partition()] = m.offset() + 1, m.offset()
        return got

    def commit(self, offsets):
        if self.cell["mode"] == "share":
            self.c.commit_sync()
        elif offsets:
            self.c.commit(offsets=[self.k.TopicPartition(self.cell["topic"], p, o) for p, o in offsets.items()], asynchronous=False)

    def seek(self, p, o):
        self.c.seek(self.k.TopicPartition(self.cell["topic"], p, o))

    def produce(self, topic, n):
        for _ in range(n):
            self.p.produce(topic, b"x", partition=self.produced % self.cell["partitions"])
            self.p.poll(0)
            self.produced += 1

    def write(self, n):
        if self.cell["mode"] == "transactional":
            self.p.begin_transaction()
        self.produce(self.cell["topic"], n)
        self.p.flush(30)
        if self.cell["mode"] == "transactional":
            self.p.commit_transaction(30)

    def copy(self, n):
        got = self.read(n)
        self.p.begin_transaction()
        self.produce(self.cell["out"], len(got))
        offsets = [self.k.TopicPartition(self.cell["topic"], p, o) for p, o in self.next.items()]
        self.p.send_offsets_to_transaction(offsets, self.c.consumer_group_metadata(), 30)
        self.p.commit_transaction(30)
        return got

    def close(self):
        if self.cell["role"] == "write":
            self.p.flush(30)
        else:
            self.c.close()


def access(cell):
    """What kafka-python and aiokafka, which share their names, are told of who the cell is."""
    more = {"client_id": cell["client"]} if cell.get("client") else {}
    if cell.get("user"):
        more.update(security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN", sasl_plain_username=cell["user"], sasl_plain_password=cell["password"])
    return more


class KafkaPython:
    def __init__(self, cell):
        import kafka

        self.k, self.cell, self.next, self.last, self.produced = kafka, cell, {}, {}, 0
        mode = cell["mode"]
        if mode in ("kip848", "share"):
            raise Unsupported("the library speaks the classic protocol only")
        if cell["role"] == "write":
            more = {"plain": {"enable_idempotence": False}, "idempotent": {"enable_idempotence": True}, "transactional": {"transactional_id": cell["id"]}}.get(mode, {})
            self.p = kafka.KafkaProducer(bootstrap_servers=cell["brokers"], **more, **access(cell))
            if mode == "transactional":
                self.p.init_transactions()
            return
        more = {"group_instance_id": "seat-1"} if mode == "static" else {}
        if mode == "copy":
            more["isolation_level"] = "read_committed"
            self.p = kafka.KafkaProducer(bootstrap_servers=cell["brokers"], transactional_id=cell["id"])
            self.p.init_transactions()
        self.c = kafka.KafkaConsumer(bootstrap_servers=cell["brokers"], group_id=None if mode == "lone" else cell["group"], auto_offset_reset="earliest",
                                     enable_auto_commit=mode == "async", auto_commit_interval_ms=1000, **more, **access(cell))
        if mode in ("assign", "lone"):
            self.c.assign([kafka.TopicPartition(cell["topic"], p) for p in range(cell["partitions"])])
        else:
            self.c.subscribe([cell["topic"]])

    def read(self, n):
        got, end = [], time.time() + LIMIT
        while len(got) < n and time.time() < end:
            for records in self.c.poll(1000, max_records=n - len(got)).values():
                for r in records:
                    got.append(r)
                    self.next[r.partition], self.last[r.partition] = r.offset + 1, r.offset
        return got

    def offsets(self, offsets):
        return {self.k.TopicPartition(self.cell["topic"], p): self.k.OffsetAndMetadata(o, "", -1) for p, o in offsets.items()}

    def commit(self, offsets):
        if offsets:
            self.c.commit(self.offsets(offsets))

    def seek(self, p, o):
        self.c.seek(self.k.TopicPartition(self.cell["topic"], p), o)

    def produce(self, topic, n):
        for _ in range(n):
            self.p.send(topic, value=b"x", partition=self.produced % self.cell["partitions"])
            self.produced += 1

    def write(self, n):
        if self.cell["mode"] == "transactional":
            self.p.begin_transaction()
        self.produce(self.cell["topic"], n)
        self.p.flush()
        if self.cell["mode"] == "transactional":
            self.p.commit_transaction()

    def copy(self, n):
        got = self.read(n)
        self.p.begin_transaction()
        self.produce(self.cell["out"], len(got))
        self.p.send_offsets_to_transaction(self.offsets(self.next), self.c.group_metadata() if hasattr(self.c, "group_metadata") else self.cell["group"])
        self.p.commit_transaction()
        return got

    def close(self):
        if self.cell["role"] == "write":
            self.p.close()
        else:
            self.c.close()


class Aiokafka:
    def __init__(self, cell):
        import aiokafka

        self.k, self.cell, self.next, self.last, self.produced = aiokafka, cell, {}, {}, 0
        if cell["mode"] in ("kip848", "share"):
            raise Unsupported("the library speaks the classic protocol only")
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self.open())

    async def producer(self, **more):
        p = self.k.AIOKafkaProducer(bootstrap_servers=self.cell["brokers"], **more, **access(self.cell))
        await p.start()
        return p

    async def open(self):
        cell, mode = self.cell, self.cell["mode"]
        if cell["role"] == "write":
            self.p = await self.producer(**{"idempotent": {"enable_idempotence": True}, "transactional": {"transactional_id": cell["id"]}}.get(mode, {}))
            return
        more = {"group_instance_id": "seat-1"} if mode == "static" else {}
        if mode == "copy":
            more["isolation_level"] = "read_committed"
            self.p = await self.producer(transactional_id=cell["id"])
        alone = mode in ("assign", "lone")
        self.c = self.k.AIOKafkaConsumer(bootstrap_servers=cell["brokers"], group_id=None if mode == "lone" else cell["group"], auto_offset_reset="earliest",
                                         enable_auto_commit=mode == "async", auto_commit_interval_ms=1000, **more, **access(cell))
        if not alone:
            self.c.subscribe([cell["topic"]])
        await self.c.start()
        if alone:
            self.c.assign([self.k.TopicPartition(cell["topic"], p) for p in range(cell["partitions"])])

    def read(self, n):
        async def some():
            got, end = [], time.time() + LIMIT
            while len(got) < n and time.time() < end:
                for records in (await self.c.getmany(timeout_ms=1000, max_records=n - len(got))).values():
                    for r in records:
                        got.append(r)
                        self.next[r.partition], self.last[r.partition] = r.offset + 1, r.offset
            return got

        return self.loop.run_until_complete(some())

    def offsets(self, offsets):
        return {self.k.TopicPartition(self.cell["topic"], p): o for p, o in offsets.items()}

    def commit(self, offsets):
        if offsets:
            self.loop.run_until_complete(self.c.commit(self.offsets(offsets)))

    def seek(self, p, o):
        self.c.seek(self.k.TopicPartition(self.cell["topic"], p), o)

    async def produce(self, topic, n):
        sent = []
        for _ in range(n):
            sent.append(await self.p.send(topic, b"x", partition=self.produced % self.cell["partitions"]))
            self.produced += 1
        await asyncio.gather(*sent)

    def write(self, n):
        async def some():
            if self.cell["mode"] == "transactional":
                async with self.p.transaction():
                    await self.produce(self.cell["topic"], n)
            else:
                await self.produce(self.cell["topic"], n)

        self.loop.run_until_complete(some())

    def copy(self, n):
        got = self.read(n)

        async def some():
            async with self.p.transaction():
                await self.produce(self.cell["out"], len(got))
                await self.p.send_offsets_to_transaction(self.offsets(self.next), self.cell["group"])

        self.loop.run_until_complete(some())
        return got

    def sleep(self, seconds):
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def close(self):
        self.loop.run_until_complete((self.p if self.cell["role"] == "write" else self.c).stop())


def enough(got, wanted):
    if got < wanted:
        raise TimeoutError(f"{got} of {wanted} records came within {LIMIT} s")
    return got


LIBRARIES = {"confluent-kafka": Confluent, "kafka-python": KafkaPython, "aiokafka": Aiokafka}


def main():
    cell = json.load(sys.stdin)
    did = {"read": 0, "wrote": 0}

    def tell():
        print(json.dumps(did), flush=True)

    try:
        client = LIBRARIES[cell["library"]](cell)
        for step in cell["steps"]:
            do = step["do"]
            if do == "read":
                did["read"] += enough(len(client.read(step["n"])), step["n"])
            elif do == "copy":
                n = enough(len(client.copy(step["n"])), step["n"])
                did["read"] += n
                did["wrote"] += n
            elif do == "write":
                client.write(step["n"])
                did["wrote"] += step["n"]
            elif do == "commit":
                client.commit(client.next)
            elif do == "commit-last":  # the offset of the last record, where Kafka wants that of the next
                client.commit(client.last)
            elif do == "seek":
                for p in range(cell["partitions"]):
                    client.seek(p, step["to"])
                    client.next[p], client.last[p] = step["to"], max(step["to"] - 1, 0)
            elif do == "sleep":
                if hasattr(client, "sleep"):
                    client.sleep(step["seconds"])
                else:
                    time.sleep(step["seconds"])
            elif do == "die":
                tell()
                os._exit(0)
            elif do == "close":
                client.close()
    except Unsupported as e:
        did["unsupported"] = str(e)
    tell()
    os._exit(0)  # nothing that a library would do at the end of the program


main()
