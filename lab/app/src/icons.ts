import { LabIcon } from '@jupyterlab/ui-components';
import mark from '../assets/favicon-idle.svg';
import note from '../assets/note.svg';
import typescript from '../assets/typescript.svg';

export const markIcon = new LabIcon({ name: 'gradbook:mark', svgstr: mark });
export const noteIcon = new LabIcon({ name: 'gradbook:note', svgstr: note });
export const typescriptIcon = new LabIcon({ name: 'gradbook:typescript', svgstr: typescript });
