package io.lineaged.telemetry;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends pushes to lineaged, in one thread of its own, from a queue that is bounded in bytes. Who offers a push never
 * waits, and nothing that fails here ever reaches him: what there is no room for is dropped and counted.
 *
 * <p>Several pushes go in one request: MetricsData after MetricsData is one MetricsData. A request that is not
 * acknowledged is sent again, as it was, until it is; lineaged counts what comes twice once.
 */
final class Forwarder implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Forwarder.class);

  /** Below what lineaged takes at once (4 MiB). */
  static final int MOST_IN_REQUEST = 2 << 20;

  private static final Duration LINGER = Duration.ofMillis(500);
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  private final URI url;
  private final Supplier<String> token;
  private final Duration timeout;
  private final Duration heartbeat;
  private final long mostQueued;
  private final Supplier<byte[]> pulse;
  private final HttpClient client;
  private final Thread thread;

  // Guarded by this:
  private final ArrayDeque<byte[]> queue = new ArrayDeque<>();
  private long queued;
  private long forwarded;
  private long dropped;
  private long failed;
  private boolean closed;
  private final Minute dropsSaid = new Minute();
  private final Minute failuresSaid = new Minute();

  /** pulse makes what is sent where there was nothing to send for a while, so that silence is known from nothing to say. */
  Forwarder(URI url, Supplier<String> token, Duration timeout, Duration heartbeat, long mostQueued, Supplier<byte[]> pulse) {
    this.url = url;
    this.token = token;
    this.timeout = timeout;
    this.heartbeat = heartbeat;
    this.mostQueued = mostQueued;
    this.pulse = pulse;
    this.client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).version(HttpClient.Version.HTTP_1_1).build();
    this.thread = new Thread(this::run, "lineaged-telemetry-reporter");
    thread.setDaemon(true);
    thread.start();
  }

  /** Takes a push where there is room, and never waits. */
  synchronized void offer(byte[] push) {
    if (closed || queued + push.length > mostQueued || push.length > MOST_IN_REQUEST) {
      drop(1, closed ? "the broker stops" : "there is no room for it: lineaged does not take what is sent, or not fast enough");
      return;
    }
    queue.add(push);
    queued += push.length;
    notifyAll();
  }

  /** Counts pushes that are lost, and says so once a minute at most. */
  synchronized void drop(int n, String why) {
    dropped += n;
    if (dropsSaid.over()) {
      log.warn("{} client metrics dropped so far; the newest: {}", dropped, why);
    }
  }

  private synchronized void failure(String what, String why) {
    failed++;
    if (failuresSaid.over()) {
      log.warn("client metrics can't be forwarded{}: {}", what, why);
    }
  }

  /** Says of an instant whether a minute is over since it said so the last time. */
  private static final class Minute {
    private long begun = System.nanoTime() - Duration.ofMinutes(1).toNanos();

    boolean over() {
      long now = System.nanoTime();
      if (now - begun < Duration.ofMinutes(1).toNanos()) {
        return false;
      }
      begun = now;
      return true;
    }
  }

  synchronized long forwarded() {
    return forwarded;
  }

  synchronized long dropped() {
    return dropped;
  }

  synchronized long failed() {
    return failed;
  }

  synchronized long queuedBytes() {
    return queued;
  }

  private void run() {
    while (true) {
      try {
        List<byte[]> batch = next();
        if (batch == null) {
          return;
        }
        deliver(batch);
      } catch (InterruptedException e) {
        return;
      } catch (Throwable e) { // whatever it is, the next push is tried
        drop(0, e.toString());
      }
    }
  }

  /** Waits for pushes and takes some; an empty list is a pulse, null the end. */
  private synchronized List<byte[]> next() throws InterruptedException {
    long until = System.nanoTime() + heartbeat.toNanos();
    while (queue.isEmpty() && !closed) {
      long left = (until - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        return List.of();
      }
      wait(left);
    }
    if (closed) {
      return null;
    }
    wait(LINGER.toMillis()); // more may come, and go with it
    List<byte[]> batch = new ArrayList<>();
    int size = 0;
    while (!queue.isEmpty() && size + queue.peek().length <= MOST_IN_REQUEST) {
      size += queue.peek().length;
      batch.add(queue.poll());
    }
    return batch;
  }

  private void deliver(List<byte[]> batch) throws InterruptedException {
    byte[] body = packed(batch.isEmpty() ? List.of(pulse.get()) : batch);
    Duration pause = FIRST_PAUSE;
    for (boolean again = true; again; ) {
      String why;
      again = true;
      Duration wait = pause;
      try {
        HttpRequest.Builder request = HttpRequest.newBuilder(url).timeout(timeout)
            .header("Content-Type", "application/x-protobuf").header("Content-Encoding", "gzip")
            .POST(HttpRequest.BodyPublishers.ofByteArray(body));
        String bearer = token.get();
        if (!bearer.isEmpty()) {
          request.header("Authorization", "Bearer " + bearer);
        }
        HttpResponse<Void> response = client.send(request.build(), HttpResponse.BodyHandlers.discarding());
        int status = response.statusCode();
        if (status == 200) {
          settle(batch, true, null);
          return;
        }
        why = "lineaged answers " + status;
        // What can't be taken now or ever goes; a token may yet be put right.
        again = status == 401 || status == 403 || status == 429 || status >= 500;
        wait = response.headers().firstValue("Retry-After").map(Forwarder::seconds).orElse(pause);
      } catch (IOException e) {
        why = e.toString();
      }
      if (!again) {
        settle(batch, false, why);
        return;
      }
      failure(batch.isEmpty() ? "" : ", and are tried again", why);
      if (batch.isEmpty()) {
        return; // a pulse is of now
      }
      Thread.sleep(Math.min(wait.toMillis(), LONGEST_PAUSE.toMillis()));
      pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause.multipliedBy(2);
    }
  }

  private static Duration seconds(String text) {
    try {
      return Duration.ofSeconds(Math.max(1, Long.parseLong(text.trim())));
    } catch (NumberFormatException e) {
      return LONGEST_PAUSE;
    }
  }

  private synchronized void settle(List<byte[]> batch, boolean taken, String why) {
    for (byte[] push : batch) {
      queued -= push.length;
    }
    if (taken) {
      forwarded += batch.size();
    } else {
      drop(batch.size(), why);
    }
  }

  private static byte[] packed(List<byte[]> batch) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream zip = new Quick(out)) {
      for (byte[] push : batch) {
        zip.write(push);
      }
    } catch (IOException e) {
      throw new IllegalStateException(e); // there is no I/O in it
    }
    return out.toByteArray();
  }

  /** Packs for the broker's sake: a third of the time, for a few bytes more. */
  private static final class Quick extends GZIPOutputStream {
    Quick(OutputStream out) throws IOException {
      super(out);
      def.setLevel(Deflater.BEST_SPEED);
    }
  }

  /** Stops. What waits is lost: a broker that stops does not wait for anybody. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    thread.interrupt();
  }
}
