import { divergingScale, palette } from '../values/colors.ts';

const grid = 'rgba(128,128,128,0.22)';
const ink = '#808080';

const axis = {
  gridcolor: grid,
  zerolinecolor: 'rgba(128,128,128,0.5)',
  linecolor: grid,
  automargin: true,
  zerolinewidth: 1,
  exponentformat: 'power',
  minexponent: 6,
  separatethousands: true,
  // Near the numbers, with room of its own: without a distance plotly.js puts it at the figure's edge.
  title: { standoff: 8 },
};

/** WebGL draws lines that let the page through paler than the page: these are opaque. */
const spaceGrid = 'rgb(128,128,128)';
const space = {
  gridcolor: spaceGrid,
  zerolinecolor: spaceGrid,
  linecolor: spaceGrid,
  showbackground: false,
  tickcolor: spaceGrid,
};

/**
 * The look of every figure: no background of its own and colours that read on white and on black. A renderer of ours replaces the
 * font's colour by that of the page.
 */
export const template = {
  layout: {
    paper_bgcolor: 'rgba(255,255,255,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
    font: { color: ink, size: 12 },
    colorway: [...palette],
    xaxis: axis,
    yaxis: axis,
    scene: { xaxis: space, yaxis: space, zaxis: space },
    title: { x: 0.02, xanchor: 'left', font: { size: 15 } },
    margin: { l: 56, r: 24, t: 44, b: 44 },
    legend: { bgcolor: 'rgba(0,0,0,0)' },
    hoverlabel: { align: 'left' },
    colorscale: { sequential: 'Viridis', sequentialminus: 'Viridis', diverging: divergingScale },
    hovermode: 'closest',
  },
} as const;

/** What every figure is configured with: fits its cell, no advertising. */
export const config = { responsive: true, displaylogo: false } as const;
