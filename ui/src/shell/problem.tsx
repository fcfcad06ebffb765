import type { CombinedError } from 'urql';
import { Icon } from './icons';

/** What went wrong, in the API's own plain words. What was answered besides stays on the page. */
export function Problem({ error, again }: { error: CombinedError | undefined; again?: () => void }) {
  if (!error) return null;
  const sentences = error.networkError
    ? ['lineaged cannot be reached. What is shown is the last answer.']
    : [...new Set(error.graphQLErrors.map((e) => e.message))];
  return (
    <div className="problem" role="alert">
      <Icon name="warn" />
      <div>
        {sentences.map((s) => (
          <p key={s}>{s}</p>
        ))}
      </div>
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}
