import { MOOD_LABELS, type Mood } from '../../shared/moods'

export interface Summary {
  total: number
  moods: { mood: Mood; count: number }[]
}

/** One bar, split by mood. The list beside it says the same in words and numbers. */
export function MoodMeter({ summary }: { summary: Summary | null }) {
  if (summary === null || summary.total === 0) return null
  const present = summary.moods.filter(({ count }) => count > 0)
  return (
    <section className="meter" aria-labelledby="meter-title">
      <h2 id="meter-title">
        The room{' '}
        <span className="meter-total">{summary.total === 1 ? '1 vibe' : `${summary.total} vibes`}</span>
      </h2>
      <div className="meter-bar" aria-hidden="true">
        {present.map(({ mood, count }) => (
          <span key={mood} className={`mood-${mood}`} style={{ flexGrow: count }} />
        ))}
      </div>
      <ul className="meter-legend">
        {present.map(({ mood, count }) => (
          <li key={mood} className={`mood-${mood}`}>
            {MOOD_LABELS[mood]} <b>{count}</b>
          </li>
        ))}
      </ul>
    </section>
  )
}
