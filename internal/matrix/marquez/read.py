"""Reads all that marquez-python can read of a server, and prints it as one JSON object. What raises is an end."""
import json
import sys

from marquez_client import MarquezClient
from marquez_client.errors import APIError

client = MarquezClient(sys.argv[1])
datasets, jobs, versions, runs = [], [], 0, 0
namespaces = [n["name"] for n in client.list_namespaces(limit=1000)["namespaces"]]
for ns in namespaces:
    client.get_namespace(ns)
    for d in client.list_datasets(ns, limit=1000)["datasets"]:
        one = client.get_dataset(ns, d["name"])
        found = client.list_dataset_versions(ns, d["name"], limit=10)["versions"]
        versions += sum(v["version"] == one["currentVersion"] for v in found)
        client.get_dataset_version(ns, d["name"], found[0]["version"])
        datasets.append([one["type"], ns, one["name"]])
    for j in client.list_jobs(ns, limit=1000)["jobs"]:
        one = client.get_job(ns, j["name"])
        runs += len(client.list_job_runs(ns, j["name"], limit=10)["runs"])
        jobs.append([one["type"], ns, one["name"], [i["name"] for i in one["inputs"]], [o["name"] for o in one["outputs"]]])
client.list_tags()
try:
    client.get_namespace("nobody's")
    missing = "is there"
except APIError as e:
    missing = str(e.__cause__)
print(json.dumps({"namespaces": namespaces, "datasets": datasets, "jobs": jobs, "versions": versions, "runs": runs, "missing": missing}))
