import type { Mood } from '../../shared/moods'

// Drawn here instead of emoji: the same on every system, and coloured by the style sheet.
const MOUTHS: Record<Mood, string> = {
  radiant: 'M8 14.2c1 4.2 7 4.2 8 0z',
  mellow: 'M8.5 15c1.6 2 5.4 2 7 0',
  curious: 'M10.4 16a1.6 1.6 0 1 0 3.2 0a1.6 1.6 0 1 0-3.2 0',
  flat: 'M8.5 16h7',
  stormy: 'M8.5 17.2c1.6-2.2 5.4-2.2 7 0',
}

const BROWS: Partial<Record<Mood, string>> = {
  curious: 'M14 6.8c1-.9 2.4-.9 3.2-.1',
  stormy: 'M6.8 7l3.2 1.3M17.2 7L14 8.3',
}

export function MoodFace({ mood }: { mood: Mood }) {
  const asleep = mood === 'mellow'
  return (
    <svg className={`face mood-${mood}`} viewBox="0 0 24 24" aria-hidden="true">
      <circle className="face-skin" cx="12" cy="12" r="11" />
      {asleep ? (
        <path className="face-line" d="M6.8 10.4c.7.9 2.2.9 2.9 0M14.3 10.4c.7.9 2.2.9 2.9 0" />
      ) : (
        <>
          <circle className="face-dot" cx="8.4" cy="10.2" r="1.35" />
          <circle className="face-dot" cx="15.6" cy="10.2" r="1.35" />
        </>
      )}
      {BROWS[mood] && <path className="face-line" d={BROWS[mood]} />}
      <path className={mood === 'radiant' ? 'face-mouth' : 'face-line'} d={MOUTHS[mood]} />
    </svg>
  )
}
