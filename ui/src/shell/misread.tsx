import { useSearch } from 'wouter/use-browser-location';
import { misread } from '../url/misread';
import { Icon } from './icons';

/** Says what of the link was not understood: what is shown is something else than its sender meant. */
export function Misread() {
  const wrong = misread(useSearch());
  if (wrong.length === 0) return null;
  return (
    <p className="truncated" role="note">
      <Icon name="warn" />
      <span>
        This link says <bdi className="mono">{wrong.join(', ')}</bdi>, which is none: what is usual is shown in its
        place.
      </span>
    </p>
  );
}
