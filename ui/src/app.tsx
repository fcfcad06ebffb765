import { lazy, Suspense, useEffect } from 'react';
import { usePathname } from 'wouter/use-browser-location';
import { OverviewPage } from './overview/page';
import { Palette } from './palette/palette';
import { Header } from './shell/header';
import { PageBar } from './time/page-bar';

// Graph and charts are the larger half of the page and not needed to find a node.
const LineagePage = lazy(() => import('./lineage/page').then((m) => ({ default: m.LineagePage })));

/** Pages that are of a window. */
const PAGES_IN_TIME = ['/', '/lineage', '/catalog', '/usage', '/node', '/reports'];
const CatalogPage = lazy(() => import('./catalog/page').then((m) => ({ default: m.CatalogPage })));

const UsagePage = lazy(() => import('./usage/page').then((m) => ({ default: m.UsagePage })));
const ReportsPage = lazy(() => import('./reports/page').then((m) => ({ default: m.ReportsPage })));
const NodePage = lazy(() => import('./lineage/node-page').then((m) => ({ default: m.NodePage })));

export function App() {
  const path = usePathname();
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <Header path={path} />
      {PAGES_IN_TIME.includes(path) && <PageBar path={path} />}
      <Palette />
      <Suspense fallback={<main id="main" className="loading" aria-busy="true" />}>
        <Page path={path} />
      </Suspense>
    </>
  );
}

function Page({ path }: { path: string }) {
  useEffect(() => {
    if (path === '/catalog') document.title = 'Catalog · lineaged';
    if (path === '/') document.title = 'Overview · lineaged';
  }, [path]);
  if (path === '/catalog') return <CatalogPage />;
  if (path === '/') return <OverviewPage />;
  if (path === '/lineage') return <LineagePage />;
  if (path === '/usage') return <UsagePage />;
  if (path === '/reports') return <ReportsPage />;
  if (path === '/node') return <NodePage />;
  return (
    <main id="main" className="page">
      <h1>No such page</h1>
      <p>
        <a href="/">Go to the overview</a>
      </p>
    </main>
  );
}
