/** Font Awesome 5, which ipywidgets brings into JupyterLab's page, with the names of version 4. */

import '@fortawesome/fontawesome-free/css/all.css';
import '@fortawesome/fontawesome-free/css/v4-shims.css';
