import { Tokenizer, type TokenizerCallbacks } from 'htmlparser2';

/** Attributes that hold one URL (HTML, "Attributes"). */
const urlAttributes = new Set(['action', 'background', 'cite', 'classid', 'codebase', 'data', 'formaction', 'href', 'icon', 'longdesc', 'manifest', 'poster', 'profile', 'src', 'usemap']);

/** The document with each URL in an attribute put through `rewrite`; everything else stays as it was, byte by byte. */
export function rewriteLinks(html: string, rewrite: (url: string) => string): string {
  const values: { readonly start: number; readonly end: number }[] = [];
  let [isUrl, start, end] = [false, -1, -1];
  const nothing = (): void => undefined;
  const callbacks: TokenizerCallbacks = {
    onattribname: (from, to) => {
      isUrl = urlAttributes.has(html.slice(from, to).toLowerCase());
      start = -1;
    },
    onattribdata: (from, to) => {
      if (start < 0) start = from;
      end = to;
    },
    onattribentity: nothing,
    onattribend: () => { if (isUrl && start >= 0) values.push({ start, end }); },
    oncdata: nothing, onclosetag: nothing, oncomment: nothing, ondeclaration: nothing, onend: nothing, onopentagend: nothing, onopentagname: nothing,
    onprocessinginstruction: nothing, onselfclosingtag: nothing, ontext: nothing, ontextentity: nothing,
  };
  const tokenizer = new Tokenizer({ xmlMode: false, decodeEntities: false }, callbacks);
  tokenizer.write(html);
  tokenizer.end();
  let [out, at] = ['', 0];
  for (const value of values) {
    out += html.slice(at, value.start) + rewrite(html.slice(value.start, value.end));
    at = value.end;
  }
  return out + html.slice(at);
}
