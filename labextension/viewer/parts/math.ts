/** Typesets formulas as JupyterLab does, with MathJax and all of its packages. */

import { browserAdaptor } from 'mathjax-full/js/adaptors/browserAdaptor';
import { HTMLHandler } from 'mathjax-full/js/handlers/html/HTMLHandler';
import { TeX } from 'mathjax-full/js/input/tex';
import { AllPackages } from 'mathjax-full/js/input/tex/AllPackages';
import 'mathjax-full/js/input/tex/require/RequireConfiguration';
import { Package } from 'mathjax-full/js/components/package';
import { mathjax } from 'mathjax-full/js/mathjax';
import { SVG } from 'mathjax-full/js/output/svg';
import { SafeHandler } from 'mathjax-full/js/ui/safe/SafeHandler';
import { MATH_GLOBAL, Typeset } from '../mathematics';

mathjax.handlers.register(SafeHandler(new HTMLHandler(browserAdaptor())));

// All packages that `\require` can name are here. MathJax would load any other from a server.
Package.packages.has = () => true;

const pages = mathjax.document(document, {
  InputJax: new TeX({
    packages: AllPackages.concat('require'),
    inlineMath: [
      ['$', '$'],
      ['\\(', '\\)']
    ],
    displayMath: [
      ['$$', '$$'],
      ['\\[', '\\]']
    ],
    processEscapes: true,
    processEnvironments: true,
    // An output that is drawn again has the labels that it had before.
    ignoreDuplicateLabels: true
  }),
  OutputJax: new SVG({ fontCache: 'local' })
});

(window as unknown as Record<string, Typeset>)[MATH_GLOBAL] = node => {
  // As in JupyterLab one document typesets all: macros and numbers go on from output to output.
  pages.options.elements = [node];
  pages.clear().render();
  // A screen reader says the formula as its author wrote it.
  for (const { math, typesetRoot } of pages.math) {
    typesetRoot?.querySelector('svg')?.setAttribute('aria-label', math);
  }
  delete pages.options.elements;
};
