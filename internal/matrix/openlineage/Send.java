import io.openlineage.client.OpenLineage;
import io.openlineage.client.OpenLineageClient;
import io.openlineage.client.transports.HttpConfig;
import io.openlineage.client.transports.HttpTransport;
import java.net.URI;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.UUID;

/** Sends a run's events by openlineage-java: JOB URL PACKED. The run's input and its outputs come apart. */
final class Send {
  public static void main(String[] args) throws Exception {
    String name = args[0];
    HttpConfig config = new HttpConfig();
    config.setUrl(URI.create(args[1]));
    if (args[2].equals("gzip")) {
      config.setCompression(HttpConfig.Compression.GZIP);
    }
    OpenLineage ol = new OpenLineage(URI.create("https://example.com/matrix"));
    OpenLineage.Run run = ol.newRunBuilder().runId(UUID.randomUUID()).build();
    OpenLineage.Job job = ol.newJobBuilder().namespace("matrix-java").name(name)
        .facets(ol.newJobFacetsBuilder().jobType(ol.newJobTypeJobFacetBuilder().processingType("STREAMING").integration("MATRIX").jobType("JOB").build()).build())
        .build();
    OpenLineage.InputDataset source = ol.newInputDatasetBuilder().namespace("postgres://db:5432").name(name + ".source").build();
    OpenLineage.OutputDataset target = ol.newOutputDatasetBuilder().namespace("postgres://db:5432").name(name + ".target").build();
    try (OpenLineageClient client = OpenLineageClient.builder().transport(new HttpTransport(config)).build()) {
      client.emit(ol.newRunEventBuilder().eventType(OpenLineage.RunEvent.EventType.START).eventTime(ZonedDateTime.now(ZoneOffset.UTC)).run(run).job(job)
          .inputs(List.of(source)).build());
      client.emit(ol.newRunEventBuilder().eventType(OpenLineage.RunEvent.EventType.RUNNING).eventTime(ZonedDateTime.now(ZoneOffset.UTC)).run(run).job(job)
          .outputs(List.of(target)).build());
    }
  }
}
