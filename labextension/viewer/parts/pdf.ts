/** Draws the pages of a PDF; a browser shows none in a sandboxed frame. */

import * as pdf from 'pdfjs-dist/legacy/build/pdf.mjs';
import * as worker from 'pdfjs-dist/legacy/build/pdf.worker.mjs';
import { bytesOf } from '../base64';
import { figureGlobal, DrawFigure } from '../figures';

const MAX_PAGES = 50;
const SCALE = 1.5;

// With its worker in the page it asks for none, which could not be loaded.
(globalThis as unknown as Record<string, unknown>).pdfjsWorker = worker;

const draw: DrawFigure = async (node, value) => {
  const data = bytesOf(Array.isArray(value) ? value.join('') : String(value));
  const whole = await pdf.getDocument({ data, isEvalSupported: false }).promise;
  for (let number = 1; number <= Math.min(MAX_PAGES, whole.numPages); number++) {
    const page = await whole.getPage(number);
    const viewport = page.getViewport({ scale: SCALE });
    const canvas = document.createElement('canvas');
    canvas.className = 'page';
    canvas.width = viewport.width;
    canvas.height = viewport.height;
    node.append(canvas);
    await page.render({ canvas, viewport }).promise;
  }
};

(window as unknown as Record<string, DrawFigure>)[figureGlobal('pdf')] = draw;
