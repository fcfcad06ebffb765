"""Counts the users of a topic in a window: quix.py BOOTSTRAP GROUP IN OUT GUARANTEE STATE."""
import datetime
import sys

from quixstreams import Application

bootstrap, group, source, sink, guarantee, state = sys.argv[1:]
app = Application(broker_address=bootstrap, consumer_group=group, auto_offset_reset="earliest", processing_guarantee=guarantee, commit_interval=2.0, state_dir=state)
frame = app.dataframe(app.topic(source, value_deserializer="json")).group_by("user")
frame.tumbling_window(datetime.timedelta(seconds=10)).count().current().to_topic(app.topic(sink, value_serializer="json"))
app.run()
