package io.lineaged.telemetry;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ForwarderTest {
  private HttpServer server;
  private Forwarder forwarder;
  private final ArrayDeque<Integer> answers = new ArrayDeque<>(); // 200 when empty
  private final List<byte[]> bodies = new ArrayList<>();
  private final List<String> bearers = new ArrayList<>();
  private volatile CountDownLatch hang;

  @BeforeEach
  void start() throws Exception {
    listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
  }

  private void listen(InetSocketAddress at) throws Exception {
    server = HttpServer.create(at, 0);
    server.createContext("/", exchange -> {
      byte[] body = new GZIPInputStream(new ByteArrayInputStream(exchange.getRequestBody().readAllBytes())).readAllBytes();
      CountDownLatch until = hang;
      if (until != null) {
        try {
          until.await();
        } catch (InterruptedException e) {
          return;
        }
      }
      int status;
      synchronized (bodies) {
        bodies.add(body);
        bearers.add(exchange.getRequestHeaders().getFirst("Authorization"));
        status = answers.isEmpty() ? 200 : answers.poll();
      }
      if (status == 429) {
        exchange.getResponseHeaders().set("Retry-After", "1");
      }
      exchange.sendResponseHeaders(status, -1);
      exchange.close();
    });
    server.start();
  }

  @AfterEach
  void stop() {
    if (hang != null) {
      hang.countDown();
    }
    forwarder.close();
    server.stop(0);
  }

  private void forward(long mostQueued, Duration heartbeat) {
    forward(mostQueued, heartbeat, server.getAddress());
  }

  private void forward(long mostQueued, Duration heartbeat, InetSocketAddress to) {
    URI url = URI.create("http://127.0.0.1:" + to.getPort() + "/v1/metrics");
    forwarder = new Forwarder(url, () -> "secret", Duration.ofSeconds(30), heartbeat, mostQueued, () -> new byte[] {42});
  }

  private static void await(BooleanSupplier is) throws InterruptedException {
    while (!is.getAsBoolean()) {
      Thread.sleep(5);
    }
  }

  private byte[] received() {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    synchronized (bodies) {
      bodies.forEach(all::writeBytes);
    }
    return all.toByteArray();
  }

  @Test
  void pushesGoTogetherAndInOrder() throws Exception {
    forward(1000, Duration.ofHours(1));
    for (byte i = 0; i < 10; i++) {
      forwarder.offer(new byte[] {i});
    }
    await(() -> forwarder.forwarded() == 10);
    assertArrayEquals(new byte[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, received());
    synchronized (bodies) {
      assertTrue(bodies.size() <= 2, bodies.size() + " requests");
      assertEquals("Bearer secret", bearers.get(0));
    }
    assertEquals(0, forwarder.queuedBytes());
    assertEquals(0, forwarder.dropped());
  }

  @Test
  void whatIsNotTakenIsSentAgain() throws Exception {
    answers.addAll(List.of(503, 429));
    forward(1000, Duration.ofHours(1));
    forwarder.offer(new byte[] {7});
    await(() -> forwarder.forwarded() == 1);
    assertArrayEquals(new byte[] {7, 7, 7}, received());
    assertEquals(2, forwarder.failed());
    assertEquals(0, forwarder.dropped());
  }

  @Test
  void whatIsRefusedForGoodIsDropped() throws Exception {
    answers.add(400);
    forward(1000, Duration.ofHours(1));
    forwarder.offer(new byte[] {7});
    await(() -> forwarder.dropped() == 1);
    forwarder.offer(new byte[] {8});
    await(() -> forwarder.forwarded() == 1);
    assertArrayEquals(new byte[] {7, 8}, received());
    assertEquals(0, forwarder.queuedBytes());
  }

  @Test
  void nobodyWaitsForALineagedThatHangs() throws Exception {
    hang = new CountDownLatch(1);
    forward(1000, Duration.ofHours(1));
    for (int i = 0; i < 100_000; i++) {
      forwarder.offer(new byte[10]);
    }
    assertEquals(100_000 - 100, forwarder.dropped());
    assertEquals(1000, forwarder.queuedBytes());
    hang.countDown();
    await(() -> forwarder.forwarded() == 100);
    assertEquals(0, forwarder.queuedBytes());
  }

  /** Many threads offer while lineaged takes nothing, then it is there again: the bound holds at any time, and each push is counted once. */
  @Test
  void theBoundHoldsAndEachPushIsCountedOnce() throws Exception {
    final int threads = 8;
    final int each = 20_000;
    final int most = 4096;
    hang = new CountDownLatch(1);
    forward(most, Duration.ofHours(1));
    AtomicLong largest = new AtomicLong();
    List<Thread> all = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      int size = 1 + 37 * t;
      all.add(new Thread(() -> {
        for (int i = 0; i < each; i++) {
          forwarder.offer(new byte[size]);
          largest.accumulateAndGet(forwarder.queuedBytes(), Math::max);
        }
      }));
    }
    all.forEach(Thread::start);
    for (Thread t : all) {
      t.join();
    }
    long waiting = (long) threads * each - forwarder.dropped();
    assertTrue(largest.get() <= most && waiting > 0 && forwarder.dropped() > 0, largest + " bytes waited at most; " + waiting + " wait, " + forwarder.dropped() + " were dropped");
    assertEquals(0, forwarder.forwarded());
    hang.countDown();
    await(() -> forwarder.forwarded() == waiting);
    assertEquals(0, forwarder.queuedBytes());
    assertEquals((long) threads * each, forwarder.forwarded() + forwarder.dropped());
  }

  /** Nobody listens any more: what waits stays within the bound and goes when somebody does; what comes meanwhile is counted. */
  @Test
  void whatWaitsWhileLineagedIsStoppedIsSentWhenItIsBack() throws Exception {
    InetSocketAddress address = server.getAddress();
    server.stop(0);
    forward(100, Duration.ofHours(1), address);
    for (int i = 0; i < 1000; i++) {
      forwarder.offer(new byte[10]);
    }
    await(() -> forwarder.failed() > 0);
    assertEquals(990, forwarder.dropped());
    assertEquals(100, forwarder.queuedBytes());
    listen(address);
    await(() -> forwarder.forwarded() == 10);
    assertEquals(0, forwarder.queuedBytes());
    assertEquals(100, received().length);
  }

  @Test
  void onePushThatIsTooLargeIsDropped() {
    forward(Long.MAX_VALUE, Duration.ofHours(1));
    forwarder.offer(new byte[Forwarder.MOST_IN_REQUEST + 1]);
    assertEquals(1, forwarder.dropped());
  }

  @Test
  void silenceIsNotDeath() throws Exception {
    forward(1000, Duration.ofMillis(10));
    await(() -> received().length >= 2);
    assertEquals(42, received()[0]);
    assertEquals(0, forwarder.forwarded());
  }
}
