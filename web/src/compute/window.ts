// The drawing of a casement: a sash that swings out on its left edge, seen from inside, a little from the right.

/** A point of the drawing, in its own units. */
export type Point = readonly [x: number, y: number];

/** The opening in the frame: left, top, width, height. */
export const OPENING = { x: 12, y: 10, width: 76, height: 84 } as const;

const WIDEST = (78 * Math.PI) / 180;
/** How much nearer than the hinge the free edge seems when the sash stands at a right angle. */
const DEPTH = 0.17;

/** The corners of the sash at a position of 0 (shut) to 100, from the upper hinge clockwise. */
export function sash(position: number): [Point, Point, Point, Point] {
  const angle = (WIDEST * clamp(position, 0, 100)) / 100;
  const { x, y, width, height } = OPENING;
  const reach = width * Math.cos(angle),
    drop = height * DEPTH * Math.sin(angle);
  return [
    [x, y],
    [x + reach, y + drop],
    [x + reach, y + height - drop],
    [x, y + height],
  ];
}

/** The same, drawn in from its edges: the pane of the sash. */
export function pane(position: number, inset = 0.14): [Point, Point, Point, Point] {
  const [a, b, c, d] = sash(position);
  const within = (across: number, down: number): Point => {
    const top = mix(a, b, across),
      bottom = mix(d, c, across);
    return mix(top, bottom, down);
  };
  return [within(inset, inset), within(1 - inset, inset), within(1 - inset, 1 - inset), within(inset, 1 - inset)];
}

/** Corners as an SVG path. */
export function path(corners: readonly Point[]): string {
  return `M${corners.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}Z`;
}

/** The position at which the free edge stands where the pointer is, as a share of the opening's width: 0 left, 1 right. */
export function positionAt(share: number): number {
  const angle = Math.acos(clamp(share, Math.cos(WIDEST), 1));
  return Math.round((angle / WIDEST) * 100);
}

function mix(one: Point, other: Point, share: number): Point {
  return [one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share];
}

export function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
