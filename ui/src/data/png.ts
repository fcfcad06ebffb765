// A picture of the server's, drawn by the browser: SVG is text that any browser draws alike, PNG is what goes into a chat.

// Browsers draw at most so many pixels of a side, and so many in all.
const MOST_SIDE = 16_000;
const MOST_AREA = 100_000_000;

/** Twice as fine as it is drawn, or as fine as the browser can: a large picture is coarser, and whole. */
export function scaleOf(width: number, height: number): number {
  return Math.min(2, MOST_SIDE / width, MOST_SIDE / height, Math.sqrt(MOST_AREA / (width * height)));
}

/** Draws an SVG. It comes as a data URL: a page with our policy shows no blobs. */
export async function pngOf(svg: string): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const scale = scaleOf(image.naturalWidth, image.naturalHeight);
  const canvas = document.createElement('canvas');
  canvas.width = Math.floor(image.naturalWidth * scale);
  canvas.height = Math.floor(image.naturalHeight * scale);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('this browser draws no pictures');
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done, fail) =>
    canvas.toBlob((b) => (b ? done(b) : fail(new Error('the picture is too large for this browser'))), 'image/png'),
  );
}

/** Hands a file to the browser's downloads. */
export function download(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // Not at once: the download has only begun.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** The name that a server gave to a file, with another ending. */
export function fileName(disposition: string | null, ending: string): string {
  const name = /filename="([\w.-]+)"/.exec(disposition ?? '')?.[1] ?? 'lineage';
  return `${name.replace(/\.\w+$/, '')}.${ending}`;
}
