/** A notebook of code cells that have not been executed. */
export const notebook = (...sources: string[]): Record<string, unknown> => ({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: {
    kernelspec: { name: 'gradbook', display_name: 'TypeScript (gradbook)', language: 'typescript' },
  },
  cells: sources.map((source, i) => ({
    cell_type: 'code',
    id: `cell${i}`,
    metadata: {},
    source,
    outputs: [],
    execution_count: null,
  })),
});

/** A notebook of one executed cell that has displayed that. */
export const notebookShowing = (data: Record<string, unknown>) => ({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: {},
  cells: [
    {
      cell_type: 'code' as const,
      id: 'a',
      metadata: {},
      source: 'figure',
      execution_count: 1,
      outputs: [{ output_type: 'display_data' as const, data, metadata: {} }],
    },
  ],
});
