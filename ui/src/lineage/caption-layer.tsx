import { getViewportForBounds, useReactFlow, useStore, useStoreApi, ViewportPortal } from '@xyflow/react';
import { useMemo } from 'react';
import { StateSign } from '../shell/state-sign';
import { captionsOf } from './captions';
import type { Elements } from './elements';

/** So many zooms share one set of captions: a step is a tenth. */
const STEP = 1.1;

/** What the cards of a place have in common, as large on screen at every zoom: a press goes near. The cards have their own names for who cannot see them. */
export function CaptionLayer({ drawn, near }: { drawn: Elements; near: number }) {
  const flow = useReactFlow();
  const pane = useStoreApi();
  const zoom = useStore((s) => s.transform[2]);
  const step = STEP ** Math.floor(Math.log(zoom) / Math.log(STEP));
  const captions = useMemo(() => captionsOf(drawn.nodes, step), [drawn, step]);
  return (
    <ViewportPortal>
      <div aria-hidden="true">
        {captions.map(({ id, box, name, counts, sick }) => (
          <button
            key={id}
            type="button"
            tabIndex={-1}
            className="caption nodrag nopan"
            title={[name ?? '', ...counts].join('\n').trim()}
            style={{
              maxWidth: `${box.width * zoom}px`,
              transform: `translate(${box.x + box.width / 2}px, ${box.y + box.height / 2}px) scale(${1 / zoom}) translate(-50%, -50%)`,
            }}
            onClick={() => {
              const { width, height } = pane.getState();
              flow.setViewport(getViewportForBounds(box, width, height, near, 1.1, 0.1));
            }}
          >
            {name !== null && (
              <b>
                <bdi>{name}</bdi>
              </b>
            )}
            {counts.map((words) => (
              <span key={words}>{words}</span>
            ))}
            {sick && (
              <span className="caption-sick">
                <StateSign state={sick.state} /> {sick.words}
              </span>
            )}
          </button>
        ))}
      </div>
    </ViewportPortal>
  );
}
