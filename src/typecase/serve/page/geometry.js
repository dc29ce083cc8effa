// Where things lie: pages are measured in pixels of their picture, and shown turned and scaled.

/** How a piece of text lies: its upper left corner, its size along and across the text, and its slope in degrees. */
export function placement(box, polygon) {
  if (!polygon || polygon.length < 4) return { x: box[0], y: box[1], width: box[2], height: box[3], slope: 0 };
  const half = polygon.length / 2;
  const [start, end] = [polygon[0], polygon[half - 1]];
  const below = polygon[polygon.length - 1];
  const [dx, dy] = [end[0] - start[0], end[1] - start[1]];
  return {
    x: start[0],
    y: start[1],
    width: Math.hypot(dx, dy),
    height: Math.hypot(below[0] - start[0], below[1] - start[1]),
    slope: (Math.atan2(dy, dx) * 180) / Math.PI,
  };
}

/** The size of a page that is turned by some quarters. */
export function turnedSize(width, height, turn) {
  return turn % 180 ? [height, width] : [width, height];
}

/** A place of the turned and scaled page in pixels of the picture. */
export function toPicture(x, y, width, height, turn, scale) {
  const [px, py] = [x / scale, y / scale];
  switch (turn) {
    case 90: return [py, height - px];
    case 180: return [width - px, height - py];
    case 270: return [width - py, px];
    default: return [px, py];
  }
}

/** A rectangle of the turned and scaled page, [x, y, width, height], in pixels of the picture, within it. */
export function rectangleToPicture(rectangle, width, height, turn, scale) {
  const [x, y, w, h] = rectangle;
  const corners = [toPicture(x, y, width, height, turn, scale), toPicture(x + w, y + h, width, height, turn, scale)];
  const left = Math.max(0, Math.min(corners[0][0], corners[1][0]));
  const top = Math.max(0, Math.min(corners[0][1], corners[1][1]));
  const right = Math.min(width, Math.max(corners[0][0], corners[1][0]));
  const bottom = Math.min(height, Math.max(corners[0][1], corners[1][1]));
  return [left, top, right - left, bottom - top].map((value) => Math.round(value * 10) / 10);
}
