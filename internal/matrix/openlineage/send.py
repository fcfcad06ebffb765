"""Sends events of a run, of a job and of a dataset by openlineage-python, as an application does: TRANSPORT JOB URL [TOPIC]."""
import datetime
import sys
import uuid

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, JobEvent, DatasetEvent, OutputDataset, Run, RunEvent, RunState, StaticDataset
from openlineage.client.facet_v2 import job_type_job, schema_dataset

transport, name, url = sys.argv[1:4]
configs = {
    "http": {"type": "http", "url": url},
    "gzip": {"type": "http", "url": url, "compression": "gzip", "auth": {"type": "api_key", "apiKey": "not-asked-for"}},
    "async": {"type": "async_http", "url": url},
    "kafka": {"type": "kafka", "topic": sys.argv[4] if len(sys.argv) > 4 else "", "config": {"bootstrap.servers": url}, "flush": True},
}
client = OpenLineageClient(config={"transport": configs[transport]})
run = Run(runId=str(uuid.uuid4()))
job = Job(
    namespace="matrix-python", name=name,
    facets={"jobType": job_type_job.JobTypeJobFacet(processingType="BATCH", integration="MATRIX", jobType="JOB")},
)


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat()


source = InputDataset(namespace="postgres://db:5432", name=f"{name}.source", facets={
    "schema": schema_dataset.SchemaDatasetFacet(fields=[schema_dataset.SchemaDatasetFacetFields(name="id", type="INT")]),
})
target = OutputDataset(namespace="postgres://db:5432", name=f"{name}.target")
# Input and output come apart, and the run's end names neither.
client.emit(RunEvent(eventType=RunState.START, eventTime=now(), run=run, job=job, producer="https://example.com/matrix", inputs=[source], outputs=[]))
client.emit(RunEvent(eventType=RunState.RUNNING, eventTime=now(), run=run, job=job, producer="https://example.com/matrix", inputs=[], outputs=[target]))
client.emit(RunEvent(eventType=RunState.COMPLETE, eventTime=now(), run=run, job=job, producer="https://example.com/matrix", inputs=[], outputs=[]))
client.emit(JobEvent(
    eventTime=now(), job=Job(namespace="matrix-python", name=name + ".declared"), producer="https://example.com/matrix",
    inputs=[InputDataset(namespace="postgres://db:5432", name=f"{name}.target")], outputs=[],
))
client.emit(DatasetEvent(eventTime=now(), dataset=StaticDataset(namespace="postgres://db:5432", name=f"{name}.alone"), producer="https://example.com/matrix"))
if hasattr(client, "close"):
    client.close(timeout=20)
