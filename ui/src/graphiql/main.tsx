// GraphiQL, offline: its editor and its workers are bundled and loaded on this page only.
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import 'graphiql/style.css';
import './workers';
import './page.css';

// The shape that GraphiQL asks of a fetcher, for one POST and its answer: there are no subscriptions yet.
async function fetcher(params: object) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify(params),
  });
  return response.json();
}

const FIRST_QUERY = `# What is written to a topic and who reads it, over the last ten minutes.
# coverage says which part of the window was really observed.
query Orders {
  lineage(roots: ["topic:west/orders"], window: { last: "10m" }) {
    flows {
      from { id }
      to { id }
      kind
      active
      recordsPerSecond
      lag
      evidence { kind source detail }
    }
    coverage {
      complete
      observedFraction
      gaps { source start end reason }
      blindSpots { what remedy }
    }
  }
}
`;

const root = document.getElementById('root');
if (!root) throw new Error('graphiql.html has no #root');
createRoot(root).render(<GraphiQL fetcher={fetcher} defaultQuery={FIRST_QUERY} />);
