import { WindowPicker as Picker } from '../time/window-picker';
import type { LineageState } from '../url/lineage';

interface Props {
  state: LineageState;
  change(patch: Partial<LineageState>): void;
  resolved: { start: string; end: string } | undefined;
}

export const WindowPicker = ({ state, change, resolved }: Props) => (
  <Picker window={state.window} onChange={(window) => change({ window })} resolved={resolved} />
);
