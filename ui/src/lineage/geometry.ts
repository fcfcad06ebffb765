// Where edges run and where their labels stand. Positions of nodes are the server's (top left corners of cards of
// CARD_WIDTH x CARD_HEIGHT, see graph/layout); nothing here moves a node.

export const CARD_WIDTH = 240;
export const CARD_HEIGHT = 76;
/** 24 px is the least size of a target (WCAG 2.5.8). */
export const LABEL_HEIGHT = 24;

export interface XY {
  x: number;
  y: number;
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The end of a flow at which its label stands. */
export type End = 'start' | 'middle' | 'end';

/** A cubic Bézier curve: start, two control points, end. */
export type Curve = readonly [XY, XY, XY, XY];

// How far a flow that runs back swings, in heights of a card: down first, then up, then further.
const SWINGS = [1.9, -1.9, 3.2, -3.2, 4.6, -4.6];

/**
 * From the right side of one card to the left side of another. A flow that runs back to the left swings below or above
 * both, where it is hidden least by cards.
 */
export function curveBetween(from: XY, to: XY, cards: readonly XY[] = [], at: End = 'middle'): Curve {
  const start = { x: from.x + CARD_WIDTH, y: from.y + CARD_HEIGHT / 2 };
  const end = { x: to.x, y: to.y + CARD_HEIGHT / 2 };
  const dx = end.x - start.x;
  if (dx >= 0) {
    const reach = Math.max(dx / 2, 30);
    // It runs level where its label stands.
    const [out, into] =
      at === 'middle' || dx > 300 ? [reach, reach] : at === 'end' ? [dx * 0.1, dx * 0.9] : [dx * 0.9, dx * 0.1];
    return [start, { x: start.x + out, y: start.y }, { x: end.x - into, y: end.y }, end];
  }
  const reach = 70 - dx * 0.15;
  let best: Curve | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const swing of SWINGS) {
    const drop = CARD_HEIGHT * swing;
    const curve: Curve = [start, { x: start.x + reach, y: start.y + drop }, { x: end.x - reach, y: end.y + drop }, end];
    const hidden = behind(curve, cards);
    if (hidden < least) [best, least] = [curve, hidden];
    if (least === 0) break;
  }
  return best as Curve;
}

/** How much of a curve lies behind cards: samples of forty. */
function behind(curve: Curve, cards: readonly XY[]): number {
  let n = 0;
  for (let t = 0.05; t < 1; t += 0.025) {
    const { x, y } = pointAt(curve, t);
    if (cards.some((c) => x > c.x && x < c.x + CARD_WIDTH && y > c.y && y < c.y + CARD_HEIGHT)) n++;
  }
  return n;
}

export function pointAt([a, b, c, d]: Curve, t: number): XY {
  const u = 1 - t;
  const [p, q, r, s] = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
  return { x: p * a.x + q * b.x + r * c.x + s * d.x, y: p * a.y + q * b.y + r * c.y + s * d.y };
}

export function svgPath([a, b, c, d]: Curve): string {
  const p = ({ x, y }: XY) => `${round(x)},${round(y)}`;
  return `M${p(a)} C${p(b)} ${p(c)} ${p(d)}`;
}

const round = (n: number): number => Math.round(n * 10) / 10;

/** The box that holds all cards and all curves: one that runs back swings out beyond the cards. */
export function boundsOf(cards: readonly XY[], curves: readonly Curve[]): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  const take = (x: number, y: number) => {
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x);
    bottom = Math.max(bottom, y);
  };
  for (const { x, y } of cards) {
    take(x, y);
    take(x + CARD_WIDTH, y + CARD_HEIGHT);
  }
  for (const c of curves) {
    // One that runs forward stays between its ends.
    if (c[3].x >= c[0].x) continue;
    for (let t = 0.1; t < 0.95; t += 0.1) {
      const at = pointAt(c, t);
      take(at.x, at.y);
    }
  }
  return left > right
    ? { x: 0, y: 0, width: 0, height: 0 }
    : { x: left, y: top, width: right - left, height: bottom - top };
}

export function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/** A label's width before it is measured: tabular figures at 12.5 px, and its padding. */
export const labelWidth = (text: string): number => Math.round(text.length * 7) + 20;

// From the middle outwards: the first place that is free is the best one.
const MIDDLE = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.2, 0.8, 0.14, 0.86];
/** What is kept free between a label and the card at its end: of a target the arrow's head. */
const BESIDE = { start: 6, end: 13 };

const INWARDS = { start: [0.14, 0.2, 0.26, 0.34, 0.42, 0.5], end: [0.86, 0.8, 0.74, 0.66, 0.58, 0.5] };

/** Where a label of a width may stand, the best place first: right beside the card at its end, else on its curve. */
function* placesOf(curve: Curve, width: number, at: End): Generator<XY> {
  const [start, , , end] = curve;
  // Level with its card: between two columns is no room for a curve that is level itself.
  if (at === 'end') yield { x: end.x - BESIDE.end - width / 2, y: end.y };
  if (at === 'start') yield { x: start.x + BESIDE.start + width / 2, y: start.y };
  for (const t of at === 'middle' ? MIDDLE : INWARDS[at]) yield pointAt(curve, t);
}

/** Boxes by where they are: each lies in the cells that it touches, so that only what is near is looked at. */
class Taken {
  private readonly cells = new Map<number, Box[]>();

  private static cellsOf({ x, y, width, height }: Box): number[] {
    const cell = (n: number) => Math.floor(n / CARD_WIDTH);
    const out: number[] = [];
    for (let i = cell(x); i <= cell(x + width); i++)
      for (let j = cell(y); j <= cell(y + height); j++) out.push(i * 0x100000 + j);
    return out;
  }

  add(box: Box): void {
    for (const at of Taken.cellsOf(box)) {
      const own = this.cells.get(at);
      if (own) own.push(box);
      else this.cells.set(at, [box]);
    }
  }

  has(box: Box): boolean {
    return Taken.cellsOf(box).some((at) => this.cells.get(at)?.some((b) => overlap(b, box)));
  }
}

/**
 * Gives each label a centre on its curve, at the end that is its own, so that labels cover neither each other nor a card
 * where that can be had; where it can't, its best place. Deterministic in the order of its input.
 */
export function placeLabels(curves: readonly { curve: Curve; text: string; at?: End }[], cards: readonly XY[]): XY[] {
  const taken = new Taken();
  for (const { x, y } of cards) taken.add({ x, y, width: CARD_WIDTH, height: CARD_HEIGHT });
  return curves.map(({ curve, text, at = 'middle' }) => {
    const width = labelWidth(text);
    const boxAt = ({ x, y }: XY): Box => ({
      x: x - width / 2,
      y: y - LABEL_HEIGHT / 2,
      width,
      height: LABEL_HEIGHT,
    });
    let best: XY | undefined;
    for (const place of placesOf(curve, width, at)) {
      best ??= place;
      if (taken.has(boxAt(place))) continue;
      best = place;
      break;
    }
    const found = best as XY;
    taken.add(boxAt(found));
    return found;
  });
}
