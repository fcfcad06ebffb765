import type { EdgeProps } from '@xyflow/react';
import { StateSign } from '../shell/state-sign';
import { type FlowEdge, hasSign } from './elements';
import { useFocused } from './focused';
import { useLabel } from './label-layer';
import { useLit } from './lit-context';

export function FlowLine({ id, data, selected }: EdgeProps<FlowEdge>) {
  const { setFocused, onSelect } = useFocused();
  const lit = useLit(id);
  const needed = data?.tone === 'bad' || data?.tone === 'warn' || data?.broken != null;
  const label = useLabel(id, needed || selected === true || lit.includes('near'));
  if (!data) return null;
  const state = `is-${data.activity} tone-${data.tone} goes-${data.going} ${selected ? 'selected' : ''} ${data.flow.estimated ? 'estimated' : ''} ${data.unmeasured ? 'unmeasured' : ''} ${data.inferred ? 'inferred' : ''} ${data.broken ? 'broken' : ''} ${lit}`;
  const loud = data.tone === 'bad' || data.tone === 'warn' || data.tone === 'good';
  const marker = selected ? 'arrow-selected' : `arrow-${loud ? data.tone : data.activity}`;
  return (
    <>
      <path
        className={`flow ${state}`}
        d={data.path}
        style={{ strokeWidth: data.width }}
        markerEnd={`url(#${marker})`}
      />
      <path className="flow-target" d={data.path} />
      {label?.(
        <button
          type="button"
          className={`flow-label nodrag nopan ${state}`}
          tabIndex={-1}
          data-graph-id={id}
          aria-label={data.label}
          title={data.label}
          aria-pressed={selected ?? false}
          style={{ transform: `translate(-50%, -50%) translate(${data.at.x}px, ${data.at.y}px)` }}
          onFocus={() => setFocused(id)}
          onClick={() => onSelect(id)}
        >
          {data.broken && (
            <span className="broken-sign" aria-hidden="true">
              !
            </span>
          )}
          {hasSign(data.flow) && <StateSign state={data.going} />}
          {data.text}
        </button>,
      )}
    </>
  );
}

/** Arrow heads that keep their size on thick and thin lines. */
export function Markers() {
  return (
    <svg className="markers" aria-hidden="true">
      <defs>
        {['active', 'inactive', 'around', 'unobserved', 'bad', 'warn', 'good', 'selected'].map((k) => (
          <marker
            key={k}
            id={`arrow-${k}`}
            className={`arrow-${k}`}
            viewBox="0 0 10 10"
            refX="9.5"
            refY="5"
            markerWidth="11"
            markerHeight="11"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path d="M0,0.8 L10,5 L0,9.2 z" />
          </marker>
        ))}
      </defs>
    </svg>
  );
}
