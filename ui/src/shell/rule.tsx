import { useRef, useState } from 'react';

/** What to add to the configuration file, to copy. */
export const Rule = ({ text, name }: { text: string; name: string }) => (
  <Copied text={text} what="rule" label={`Copy the rule for ${name}`} />
);

/** A text to copy. The label, where the button's own words are not enough, begins with them. */
export function Copied({ text, what, label }: { text: string; what: string; label?: string }) {
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
        <button type="button" onClick={copy} aria-label={label}>
          Copy the {what}
        </button>
        <span className="note" role="status">
          {said}
        </span>
      </div>
    </div>
  );
}
