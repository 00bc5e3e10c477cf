const shown = 3;

/** As many of a list as a table has room for: `a,b,c + 2 more...`. */
export function firstFew(texts: readonly string[], most = shown, separator = ','): string {
  const more = texts.length - most;
  return texts.slice(0, most).join(separator) + (more > 0 ? ` + ${more} more...` : '');
}
