/** Draws mermaid's diagrams. */

import mermaid from 'mermaid';
import { figureGlobal, DrawFigure } from '../figures';

let count = 0;

const draw: DrawFigure = async (node, value, _metadata, isLight) => {
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: 'strict',
    theme: isLight ? 'default' : 'dark',
    suppressErrorRendering: true
  });
  const text = Array.isArray(value) ? value.join('') : String(value);
  const { svg } = await mermaid.render(`jupyter-peer-mermaid-${++count}`, text);
  node.innerHTML = svg;
  // No line of text, with its room for descenders.
  (node.firstElementChild as SVGElement).style.display = 'block';
};

(window as unknown as Record<string, DrawFigure>)[figureGlobal('mermaid')] = draw;
