import * as React from 'react';

/** A QR code that the server has drawn; an image cannot run what is in an SVG. */
export function QrCode({ svg, label }: { svg: string; label: string }): React.ReactElement {
  const source = `data:image/svg+xml;utf8,${encodeURIComponent(svg)}`;
  return <img className="jp-Peers-qr" alt={label} src={source} />;
}
