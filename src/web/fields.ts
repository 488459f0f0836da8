/** One text of a query or a form, empty when it is missing or given twice. */
export function text(fields: unknown, name: string): string {
  if (typeof fields !== 'object' || fields === null || !Object.hasOwn(fields, name)) return '';
  const value = (fields as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : '';
}
/** A whole number of a query or a form, undefined when it is none. */
export function whole(fields: unknown, name: string): number | undefined {
  const value = text(fields, name);
  return /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}
