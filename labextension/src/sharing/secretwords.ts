/*
 * What looks like a secret. The server's guide of agents hides the same: `secret_words.py`. Both have
 * to know the cases of `tests/vectors/secrets.json`.
 */

const NAME = 'passw(?:or)?d?|secret|token|credential|api[_-]?key|private[_-]?key|access[_-]?key';
/** A name of a secret, and its value: also as JSON or Python write a dictionary. */
const ASSIGNED = new RegExp(`(?:${NAME})["'\\\\]*\\s*[:=]`, 'i');
const FORM = new RegExp(
  [
    'jpeer1:', // an invite of this program
    '-----BEGIN [A-Z ]*PRIVATE KEY',
    '\\b(?:sk|pk|rk)-[\\w-]{16}',
    '\\bgh[pousr]_\\w{16}',
    '\\bglpat-[\\w-]{16}',
    '\\bhf_\\w{16}',
    '\\bxox[a-z]-\\w',
    '\\bAKIA[0-9A-Z]{12}',
    '\\bAIza[\\w-]{30}',
    '\\beyJ[\\w-]{8,}\\.[\\w-]{8,}\\.', // a JSON web token
    '://[^/\\s:@]*:[^/\\s@]+@' // a password in a URL
  ].join('|')
);

/** Whether a text contains a secret by its form, or a value behind the name of one. */
export function showsSecret(text: string): boolean {
  return FORM.test(text) || ASSIGNED.test(text);
}
