import { z } from 'zod';
import { treatmentSchema, untreated } from '../../audio/treatment.js';

const { highPass, level } = treatmentSchema.shape;

/** What is done to the recordings of a corpus: a recipe's `data.treatment`. */
export const corpusTreatmentSchema = z.strictObject({
  highPass: highPass.default(null),
  level: level.default(null),
  /**
   * `corpus`: one gain for all clips, by the loudness of all together, so that quiet clips stay quieter than loud ones;
   * `clip`: each by its own loudness, for clips that were recorded at different levels.
   */
  levelPer: z.enum(['corpus', 'clip']).default('corpus'),
});

export type CorpusTreatment = Readonly<z.infer<typeof corpusTreatmentSchema>>;

/** Recordings as they are. */
export const untreatedCorpus: CorpusTreatment = { ...untreated, levelPer: 'corpus' };
