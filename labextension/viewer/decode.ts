/** Return an address without its percent signs, as it is where they stand for nothing. */
export function decode(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}
