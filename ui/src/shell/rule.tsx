import { useRef, useState } from 'react';

/** What to add to the configuration file, to copy. */
export function Rule({ text, name }: { text: string; name: string }) {
  const shown = useRef<HTMLPreElement>(null);
  const [said, setSaid] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid('Copied');
    } catch {
      // Browsers give no clipboard to a page that came by plain HTTP from another machine.
      if (shown.current) getSelection()?.selectAllChildren(shown.current);
      setSaid('Selected: press Ctrl+C');
    }
  };
  return (
    <div className="rule">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a text that scrolls must be reachable by keyboard */}
      <pre ref={shown} className="mono" tabIndex={0}>
        {text}
      </pre>
      <div className="rule-copy">
        <button type="button" onClick={copy} aria-label={`Copy the rule for ${name}`}>
          Copy the rule
        </button>
        <span className="note" role="status">
          {said}
        </span>
      </div>
    </div>
  );
}
