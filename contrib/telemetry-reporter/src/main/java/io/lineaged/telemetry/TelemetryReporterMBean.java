package io.lineaged.telemetry;

/** What the reporter tells over JMX, as io.lineaged:type=TelemetryReporter. All but the queue are since the start. */
public interface TelemetryReporterMBean {
  /** Pushes that lineaged has acknowledged. */
  long getForwarded();

  /** Pushes that were dropped, since the queue was full, they could not be read, or lineaged refused them for good. */
  long getDropped();

  /** Requests that failed and were tried again. */
  long getFailed();

  /** Bytes that wait to be forwarded. */
  long getQueuedBytes();
}
