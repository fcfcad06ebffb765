import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Provider } from 'urql';
import { App } from './app';
import { client } from './data/client';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/overview.css';
import './styles/estate.css';
import './styles/lineage.css';
import './styles/panel.css';
import './styles/time.css';
import './styles/catalog.css';
import './styles/palette.css';
import './styles/phone.css';
import './styles/lit.css';
import './styles/impact.css';
import './styles/what-if.css';
import './styles/stack.css';
import './styles/graph.css';
import './styles/said.css';
import './styles/columns.css';
import './styles/usage.css';
import './styles/when.css';
import './styles/reports.css';
import './styles/node.css';
import './styles/clock.css';
import './styles/past.css';
import './styles/products.css';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <Provider value={client}>
      <App />
    </Provider>
  </StrictMode>,
);
