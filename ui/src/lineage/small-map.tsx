import { Panel, type ReactFlowState, useReactFlow, useStore } from '@xyflow/react';
import { type PointerEvent, useMemo } from 'react';
import type { Elements } from './elements';
import { type Box, CARD_HEIGHT, CARD_WIDTH } from './geometry';

const WIDTH = 200;
const HEIGHT = 150;

/** What is in sight, in the picture's own pixels, as text, so that it is the same while it stays. */
const sight = ({ transform: [x, y, zoom], width, height }: ReactFlowState) =>
  [-x / zoom, -y / zoom, width / zoom, height / zoom].map(Math.round).join(' ');

/** The whole picture, small, and what of it is in sight: a press or a drag goes there. All cards are one path. */
export function SmallMap({ drawn }: { drawn: Elements }) {
  const flow = useReactFlow();
  const [x = 0, y = 0, width = 0, height = 0] = useStore(sight).split(' ').map(Number);
  const cards = useMemo(() => {
    const path = (loud: boolean) =>
      drawn.nodes
        .filter((n) => (n.data.tone === 'bad') === loud)
        .map((n) => `M${n.position.x} ${n.position.y}h${CARD_WIDTH}v${CARD_HEIGHT}h${-CARD_WIDTH}z`)
        .join('');
    return { calm: path(false), loud: path(true) };
  }, [drawn]);
  const box = around(drawn.bounds, { x, y, width, height });
  const go = (e: PointerEvent<SVGSVGElement>) => {
    const map = e.currentTarget.getBoundingClientRect();
    const at = {
      x: box.x + ((e.clientX - map.x) / map.width) * box.width,
      y: box.y + ((e.clientY - map.y) / map.height) * box.height,
    };
    flow.setCenter(at.x, at.y, { zoom: flow.getZoom() });
  };
  return (
    <Panel position="bottom-right" className="small-map">
      <svg
        width={WIDTH}
        height={HEIGHT}
        viewBox={`${box.x} ${box.y} ${box.width} ${box.height}`}
        role="img"
        aria-label="Map of the graph"
        onPointerDown={(e) => {
          e.currentTarget.setPointerCapture(e.pointerId);
          go(e);
        }}
        onPointerMove={(e) => e.buttons > 0 && go(e)}
      >
        <path className="map-cards" d={cards.calm} />
        <path className="map-cards loud" d={cards.loud} />
        <path
          className="map-beyond"
          fillRule="evenodd"
          d={`M${box.x} ${box.y}h${box.width}v${box.height}h${-box.width}zM${x} ${y}h${width}v${height}h${-width}z`}
        />
      </svg>
    </Panel>
  );
}

/** What holds both, with some room, in the map's own shape. */
function around(a: Box, b: Box): Box {
  const left = Math.min(a.x, b.x);
  const top = Math.min(a.y, b.y);
  const across = Math.max(a.x + a.width, b.x + b.width) - left;
  const down = Math.max(a.y + a.height, b.y + b.height) - top;
  const scale = Math.max(across / WIDTH, down / HEIGHT) * 1.06;
  const [width, height] = [WIDTH * scale, HEIGHT * scale];
  return { x: left - (width - across) / 2, y: top - (height - down) / 2, width, height };
}
