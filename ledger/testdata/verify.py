#!/usr/bin/env python3
"""Verifies bundles of lineaged by docs/format/ledger.md alone, with Python's standard library.

verify.py [--key KEY] FILE... prints a line for each file, the bundle of a topic or of a month's statement: "ok FILE", or
"bad FILE: why".

verify.py --statement --key KEY FILE... does that of statements of a month: a line for each part, an object in canonical
form with the entry and the proof that lineaged audit prove writes of it.
"""

import base64
import hashlib
import json
import re
import sys


class Bad(Exception):
    pass


def need(ok, why):
    if not ok:
        raise Bad(why)


# Ed25519 (RFC 8032), signatures verified without the cofactor.

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    g, h, i, j = f - e, d - c, d + c, f + e
    return (g * h % P, i * j % P, h * i % P, g * j % P)


def times(n, point):
    out = (0, 1, 1, 0)
    while n:
        if n & 1:
            out = add(out, point)
        point, n = add(point, point), n >> 1
    return out


def decode(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    need(y < P, "a point of the curve is out of range")
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    need((x * x - xx) % P == 0 and (x or not sign), "it is no point of the curve")
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


def encode(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = decode(bytes([0x58]) + bytes([0x66]) * 31)


def signed(public, text, signature):
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= Q:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % Q
    x, y, z, t = decode(public)
    return encode(add(times(s, BASE), times(k, (P - x, y, z, P - t)))) == signature[:32]


# The canonical form.


def whole(text):
    n = int(text)
    need(-(2**63) <= n < 2**63, "a number has more than 64 bits")
    return n


def never(text):
    raise Bad(f"{text} is no whole number")


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parse(data):
    try:
        value = json.loads(data.decode(), parse_int=whole, parse_float=never, parse_constant=never)
        same = canonical(value) == data
    except (ValueError, RecursionError) as e:
        raise Bad(f"it is no JSON: {e}") from e
    need(same, "it is not in canonical form")
    return value


def is_int(v):
    return isinstance(v, int) and not isinstance(v, bool)


def fields(**of):
    """An object with these keys, each as its check says."""

    def check(v):
        return isinstance(v, dict) and sorted(v) == sorted(of) and all(of[k](v[k]) for k in of)

    return check


def each(check):
    return lambda v: isinstance(v, list) and all(check(x) for x in v)


def row(*checks):
    return lambda v: isinstance(v, list) and len(v) == len(checks) and all(c(x) for c, x in zip(checks, v))


def maybe(check):
    return lambda v: v is None or check(v)


def text(v):
    return isinstance(v, str)


def flag(v):
    return isinstance(v, bool)


def one_of(*values):
    return lambda v: v in values and not isinstance(v, bool)


def instant(v):
    m = text(v) and re.fullmatch(r"\d{4}-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d{0,2}[1-9])?Z", v, re.ASCII)
    return bool(m) and 1 <= int(m[1]) <= 12 and 1 <= int(m[2]) <= 31 and int(m[3]) < 24 and int(m[4]) < 60 and int(m[5]) < 60


def at(v):
    """An instant as what can be compared: the fraction of a second is of no fixed length."""
    return (v[:19], v[19:-1])


PERIOD = fields(start=instant, end=instant)
CLIENT = fields(
    clientId=maybe(text), group=maybe(text), host=maybe(text), instance=maybe(text), kind=text,
    principal=maybe(text), software=maybe(text), transactionalId=maybe(text),
)
EVIDENCE = fields(detail=maybe(text), kind=text, since=instant)
ENTRIES = {
    "usage": fields(
        active=maybe(flag), amends=maybe(is_int), bytes=maybe(is_int), clientCount=is_int, clients=each(CLIENT), estimated=flag,
        evidence=each(EVIDENCE), lost=maybe(is_int), node=text, observed=is_int, operation=text, owner=maybe(text),
        period=PERIOD, records=maybe(is_int), skipped=maybe(is_int), tags=each(text), topic=text, topicOwner=maybe(text), topicTags=each(text),
        type=text, v=one_of(1),
    ),
    "withdrawal": fields(amends=is_int, node=text, operation=text, period=PERIOD, topic=text, type=text, v=one_of(1)),
    "coverage": fields(
        blindSpotCount=is_int, blindSpots=each(fields(source=text, what=text)), cluster=text, complete=flag, gapCount=is_int,
        gaps=each(fields(end=instant, reason=text, source=text, start=instant)), observed=is_int, period=PERIOD, type=text, v=one_of(1),
    ),
    "topics": fields(
        next=maybe(text), part=is_int, parts=is_int, period=PERIOD, topics=each(row(text, is_int, is_int)), type=text, v=one_of(1),
    ),
    "close": fields(
        closed=instant, coverage=each(row(text, is_int)), directory=row(is_int, is_int), final=instant, first=is_int,
        kind=one_of("period", "amendment"), period=PERIOD, previous=maybe(is_int), program=text, sources=each(row(text, text)), type=text, v=one_of(1),
    ),
}
# What stands among the entries of a topic names it; of others it has no such key, and is in no bundle.
ENTRIES["administration"] = fields(
    at=instant, cluster=text, host=maybe(text), logged=maybe(instant), name=text, operation=maybe(text), period=PERIOD, principal=maybe(text),
    request=maybe(text), resource=maybe(text), times=is_int, topic=text, type=text, v=one_of(1),
)
BILL_LINE = fields(
    basis=text, cluster=text, corrects=maybe(is_int), cost=maybe(text), count=text, end=instant, hours=is_int, meter=text, observed=is_int,
    owner=maybe(text), price=maybe(text), start=instant, topic=text,
)
STATEMENT = fields(
    currency=maybe(text), lines=each(BILL_LINE), month=PERIOD, part=is_int, parts=is_int, rules=each(row(text, text)), type=one_of("statement"), v=one_of(1),
)
PROVED = fields(entry=lambda v: isinstance(v, dict), proof=text)
HEAD = fields(checkpoint=text, format=one_of("lineaged-bundle"), key=text, lines=is_int, topic=text, version=one_of(1), window=PERIOD)
STATEMENT_HEAD = fields(checkpoint=text, format=one_of("lineaged-statement-bundle"), key=text, lines=is_int, month=PERIOD, version=one_of(1))
OPENING = fields(commitment=text, salt=text, value=text)
LINE = fields(entry=lambda v: isinstance(v, dict), openings=each(OPENING), proof=text)
SEAL = fields(signature=text)


# Signed notes, checkpoints and proofs.


def unbase64(s):
    try:
        raw = base64.b64decode(s.encode(), validate=True)
    except ValueError as e:
        raise Bad(f"{s!r} is no base64") from e
    need(base64.b64encode(raw).decode() == s, f"{s!r} is not the one form of its bytes in base64")
    return raw


class Key:
    def __init__(self, key):
        m = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", key)
        need(m, "it is no verifier key")
        raw = unbase64(m[3])
        need(len(raw) == 33 and raw[0] == 1, "it is no key of Ed25519")
        self.name, self.public, self.hash = m[1], raw[1:], bytes.fromhex(m[2])
        need(hashlib.sha256(m[1].encode() + b"\n" + raw).digest()[:4] == self.hash, "the hash of the key is wrong")

    def open(self, note):
        """The text of a note that this key signed, and nobody else."""
        said, cut, signatures = note.rpartition("\n\n")
        need(cut, "it is no signed note")
        said += "\n"
        m = re.fullmatch(r"— (\S+) (\S+)\n", signatures)
        need(m and m[1] == self.name, "it has not the ledger's signature alone")
        raw = unbase64(m[2])
        need(raw[:4] == self.hash and signed(self.public, said.encode(), raw[4:]), "the signature is wrong")
        return said


def root_of(index, size, leaf, hashes):
    """RFC 9162, 2.1.3.2."""
    fn, sn, r = index, size - 1, leaf
    for h in hashes:
        need(sn, "the proof has too many hashes")
        if fn & 1 or fn == sn:
            r = hashlib.sha256(b"\x01" + h + r).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = hashlib.sha256(b"\x01" + r + h).digest()
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "the proof has too few hashes")
    return r


def opens(o):
    need(re.fullmatch(r"[0-9a-f]{32}", o["salt"]), "a salt is not of 16 bytes")
    digest = hashlib.sha256(bytes.fromhex(o["salt"]) + o["value"].encode()).hexdigest()
    need("sha256:" + digest == o["commitment"], "a value is not what its commitment stands for")


def commitments(entry):
    out = []
    for c in {"usage": entry.get("clients"), "administration": [entry]}.get(entry["type"], []):
        for v in (c["host"], c["principal"]):
            if v is not None and v not in out:
                out.append(v)
    return out


class Bundle:
    def __init__(self, data, key):
        need(data.endswith(b"\n"), "it has no end")
        lines = data[:-1].split(b"\n")
        need(len(lines) >= 3, "it has no head, entries and seal")
        self.head = head = parse(lines[0])
        self.of_month = STATEMENT_HEAD(head)
        need(self.of_month or HEAD(head), "it has no head")
        need(key in (None, head["key"]), "it is of another key")
        self.key = Key(head["key"])
        need(head["lines"] == len(lines) - 2, "there are not as many lines as the head says")
        m = re.fullmatch(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([^\n]+)\n", self.key.open(head["checkpoint"]), re.ASCII)
        need(m and m[1] == self.key.name, "it has no checkpoint")
        self.size, self.root = int(m[2]), unbase64(m[3])
        self.last = -1
        self.entries = [self.line(parse(x)) for x in lines[1:-1]]
        seal = parse(lines[-1])
        need(SEAL(seal), "it has no seal")
        before = data[: len(data) - len(lines[-1]) - 1]
        want = head["format"] + "\n" + base64.b64encode(hashlib.sha256(before).digest()).decode() + "\n"
        need(self.key.open(seal["signature"]) == want, "its lines are not those that were signed")

    def line(self, line):
        need(LINE(line), "a line has not its keys")
        entry = line["entry"]
        known = {"statement": STATEMENT} if self.of_month else ENTRIES
        need(entry.get("type") in list(known) and known[entry["type"]](entry), "an entry has not the keys of its type")
        proof, _, checkpoint = line["proof"].partition("\n\n")
        m = re.fullmatch(r"c2sp\.org/tlog-proof@v1\nindex (0|[1-9][0-9]{0,18})((\n[^\n]+)*)", proof, re.ASCII)
        need(m, "a proof is not in its form")
        need(checkpoint == self.head["checkpoint"], "a proof is of another checkpoint")
        i = int(m[1])
        need(self.last < i < self.size, "entries are not in their order")
        self.last = i
        hashes = [unbase64(h) for h in m[2].split("\n")[1:]]
        need(all(len(h) == 32 for h in hashes), "a hash is not of 32 bytes")
        leaf = hashlib.sha256(b"\x00" + canonical(entry)).digest()
        need(root_of(i, self.size, leaf, hashes) == self.root, f"entry {i} is not what the ledger has")
        rest = iter(commitments(entry))
        for o in line["openings"]:
            opens(o)
            need(o["commitment"] in rest, "an opening is of no commitment of its entry, or not in their order")
        return i, entry

    def complete(self):
        """Checks that the entries are all that there is to say, and returns what stands of each period."""
        if self.of_month:
            need(self.entries[0][1]["month"] == self.head["month"], "it is of another month than its head says")
            return whole_statement(self.entries)
        head, chain, batch, said = self.head, [], [], {}
        start, end = at(head["window"]["start"]), at(head["window"]["end"])
        final, settled = ("", ""), False
        for i, e in self.entries:
            if e["type"] != "close":
                batch.append((i, e))
                continue
            need(not settled, f"entry {i} is after all that can be said")
            self.follows(chain, i, e)
            p = e["period"]
            if not chain:
                need(e["previous"] is None or e["kind"] == "period" and at(p["end"]) <= start, "what was closed before is missing")
            elif e["kind"] == "period":
                need(at(p["end"]) > start, "the first close entry is before all that can be said")
            chain.append((i, e))
            if at(p["start"]) < end and start < at(p["end"]):
                if e["kind"] == "period":
                    final = max(final, at(e["final"]))
                self.batch(i, e, batch, said.setdefault((p["start"], p["end"]), {}))
            else:
                need(not batch, f"entries before {i} are of no period of the window")
            settled = e["kind"] == "period" and at(p["start"]) >= end and at(e["closed"]) > final
            batch = []
        need(chain and not batch, "the last close entry is missing")
        need(settled or chain[-1][0] == self.size - 1, "what was closed after it is missing")
        need(said, "no period of the window is closed")
        return said

    def follows(self, chain, i, e):
        """Checks a close entry against those before."""
        p, (where, parts) = e["period"], e["directory"]
        need(at(p["start"]) < at(p["end"]), "a period ends before it begins")
        need(e["first"] == (0 if e["previous"] is None else e["previous"] + 1), "a batch does not begin where the one before ends")
        need(e["previous"] is not None or e["kind"] == "period", "the first batch amends")
        need(0 <= e["first"] <= where < i and where + parts == i, "a directory is not before its close entry")
        for k, (cluster, index) in enumerate(e["coverage"]):
            need(index == e["first"] + k < where, "coverage is not where its batch begins")
            need(k == 0 or e["coverage"][k - 1][0].encode() < cluster.encode(), "clusters are not in their order")
        need(not chain or e["previous"] == chain[-1][0], "the chain of close entries has a hole")
        before = [c for _, c in chain if c["kind"] == "period"]
        if e["kind"] == "period":
            need(not before or before[-1]["period"]["end"] == p["start"], "a period does not begin where the one before ends")
            return
        need(at(e["closed"]) <= at(e["final"]), "a period was amended when it could not be any more")
        for c in reversed(before):
            if c["period"] == p and c["final"] == e["final"]:
                return
            need(at(c["period"]["start"]) >= at(p["end"]) or at(c["period"]["end"]) <= at(p["start"]), "another period is amended than was closed")
            need(at(c["closed"]) <= at(e["final"]), "a period was amended when it could not be any more")
        first = chain[0][1] if chain else None
        need(first and first["previous"] is not None and at(first["period"]["start"]) >= at(p["end"]), "a period is amended that was not closed")

    def batch(self, i, e, batch, stands):
        """Takes what one batch says of the topic."""
        topic = self.head["topic"]
        cluster = topic.partition(":")[2].partition("/")[0]
        parts = [(k, x) for k, x in batch if x["type"] == "topics"]
        covers = [(k, x) for k, x in batch if x["type"] == "coverage"]
        about = [(k, x) for k, x in batch if x["type"] in ("administration", "usage", "withdrawal")]
        need(len(parts) == 1, f"of the directory before {i} there is not the one part that is needed")
        where, part = parts[0]
        rows, name = part["topics"], topic.encode()
        need(part["period"] == e["period"] and part["parts"] == e["directory"][1] and where == e["directory"][0] + part["part"], "a part of a directory is of another")
        need(0 <= part["part"] < part["parts"] and (part["next"] is None) == (part["part"] == part["parts"] - 1), "a part of a directory is out of order")
        need(part["part"] == 0 or rows and rows[0][0].encode() <= name, "the topic would be in a part before")
        need(part["next"] is None or rows and rows[-1][0].encode() < part["next"].encode() and name < part["next"].encode(), "the topic would be in a part after")
        for k, (_, first, count) in enumerate(rows):
            need(first >= e["first"] and count >= 1 and first + count <= e["directory"][0], "a directory names what is not in its batch")
            need(k == 0 or rows[k - 1][0].encode() < rows[k][0].encode() and rows[k - 1][1] + rows[k - 1][2] == first, "a directory is out of order")
        named = [k for t, first, count in rows if t == topic for k in range(first, first + min(count, len(about) + 1))]
        need(named == [k for k, _ in about], f"the entries of the topic before {i} are not those that the directory names")
        need(covers == [] or covers[0][1]["period"] == e["period"], "a coverage is of another period")
        need([k for k, _ in covers] == [k for c, k in e["coverage"] if c == cluster], f"the coverage before {i} is not that of the topic's cluster")
        keys, told = [], ("", "")
        for k, x in about:
            need(x["topic"] == topic and x["period"] == e["period"], f"entry {k} is of another topic or period")
            if x["type"] == "administration":
                need(x["cluster"] == cluster, f"entry {k} is of another cluster")
                need(not keys and told <= at(x["at"]), "entries are not in the order of their batch")
                told = at(x["at"])
                continue
            key = (x["operation"].encode(), x["node"].encode())
            need(not keys or keys[-1] < key, "entries are not in the order of their batch")
            keys.append(key)
            need(stands.get(key, (None,))[0] == x["amends"], f"entry {k} does not amend what stands")
            if x["type"] == "usage":
                stands[key] = (k, x)
            else:
                del stands[key]


def proved(key, line):
    """The index of an entry that a proof of its own proves, and the entry."""
    need(PROVED(line), "a line has not its keys")
    proof, _, checkpoint = line["proof"].partition("\n\n")
    m = re.fullmatch(r"c2sp\.org/tlog-proof@v1\nindex (0|[1-9][0-9]{0,18})((\n[^\n]+)*)", proof, re.ASCII)
    need(m, "a proof is not in its form")
    said = re.fullmatch(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([^\n]+)\n", key.open(checkpoint), re.ASCII)
    need(said and said[1] == key.name, "it has no checkpoint")
    leaf = hashlib.sha256(b"\x00" + canonical(line["entry"])).digest()
    need(int(m[1]) < int(said[2]), "the entry is beyond the checkpoint")
    root = root_of(int(m[1]), int(said[2]), leaf, [unbase64(h) for h in m[2].split("\n")[1:]])
    need(root == unbase64(said[3]), f"entry {m[1]} is not what the ledger has")
    return int(m[1]), line["entry"]


def statement(data, key):
    """Checks the parts of a month's statement, a line each: the entry and its proof."""
    need(key, "a statement is verified by a key: give --key")
    need(data.endswith(b"\n"), "it has no end")
    whole_statement([proved(Key(key), parse(x)) for x in data[:-1].split(b"\n")])


def whole_statement(all):
    """Checks that entries are all the parts of a month's statement."""
    first, month = all[0][0], all[0][1].get("month")
    for k, (i, e) in enumerate(all):
        need(STATEMENT(e), f"entry {i} has not the keys of a statement")
        need(i == first + k and e["part"] == k and e["parts"] == len(all) and e["month"] == month, "the parts of the statement are not all, in their order")
        need(all_before(e["lines"], i), f"entry {i} corrects what is not before it")
        for line in e["lines"]:
            need(re.fullmatch(r"-?(0|[1-9][0-9]*)", line["count"], re.ASCII), "a count is no whole number")
            for money in (line["cost"], line["price"]):
                need(money is None or re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?", money, re.ASCII), "an amount of money is no decimal number")
    start, end = month["start"], month["end"]
    year, mon = int(start[:4]), int(start[5:7])
    following = f"{year + mon // 12:04d}-{mon % 12 + 1:02d}-01T00:00:00Z"
    need(start == f"{year:04d}-{mon:02d}-01T00:00:00Z" and end == following, "it is of no month")


def all_before(lines, i):
    return all(line["corrects"] is None or 0 <= line["corrects"] < i for line in lines)


def main(args):
    key, check = None, lambda data, key: Bundle(data, key).complete()
    if args[:1] == ["--statement"]:
        check, args = statement, args[1:]
    if args[:1] == ["--key"]:
        key, args = args[1], args[2:]
    good = True
    for name in args:
        with open(name, "rb") as f:
            data = f.read()
        try:
            check(data, key)
            print("ok", name)
        except Bad as e:
            good = False
            print(f"bad {name}: {e}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
