/** Bytes of `2 GB`, `512 MiB`, `100k`, powers of 1024; a bare number is bytes. Undefined if it is no size. */
export function parseBytes(input: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(?:([kmgt])(?:i?b)?|b)?\s*$/i.exec(input);
  if (!match) return undefined;
  const power = match[2] === undefined ? 0 : ' kmgt'.indexOf(match[2].toLowerCase());
  return Math.round(Number(match[1]) * 1024 ** power);
}
