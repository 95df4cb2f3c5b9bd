import { useEffect, useState } from 'react'
import { MOOD_LABELS, type Mood } from '../../shared/moods'
import { ago } from '../time'
import { Avatar } from './Avatar'
import { MoodFace } from './MoodFace'

export interface Vibe {
  id: string
  text: string
  mood: Mood
  author: string
  name: string
  checked: boolean
  postedAt: number
}

/** The time, kept current; the first value is the Worker's, so that both render the same page. */
function useNow(first: number): number {
  const [now, setNow] = useState(first)
  useEffect(() => {
    const tick = () => setNow(Date.now())
    tick()
    const timer = setInterval(tick, 20_000)
    return () => clearInterval(timer)
  }, [])
  return now
}

export function Feed({
  vibes,
  author,
  renderedAt,
}: {
  vibes: Vibe[] | null
  author: string
  renderedAt: number
}) {
  const now = useNow(renderedAt)
  if (vibes === null) {
    return (
      <p className="card empty" role="status">
        The vibes cannot be reached right now. They appear here as soon as they can.
      </p>
    )
  }
  if (vibes.length === 0) {
    return (
      <p className="card empty" role="status">
        Nobody has posted yet. Be the first.
      </p>
    )
  }
  return (
    <section aria-labelledby="feed-title">
      <h2 id="feed-title" className="visually-hidden">
        Newest vibes
      </h2>
      <ol className="feed" aria-live="polite" aria-relevant="additions">
        {vibes.map((vibe) => (
          <li key={vibe.id} className={vibe.author === author ? 'card vibe mine' : 'card vibe'}>
            <Avatar author={vibe.author} />
            <div className="vibe-body">
              <p className="vibe-head">
                <b>{vibe.name}</b>
                {vibe.author === author && <span className="tag">you</span>}
                <time dateTime={new Date(vibe.postedAt).toISOString()}>{ago(vibe.postedAt, now)}</time>
                {!vibe.checked && <span className="tag quiet">being checked</span>}
              </p>
              <p className="vibe-text">{vibe.text}</p>
            </div>
            <MoodFace mood={vibe.mood} />
            <span className="visually-hidden">{MOOD_LABELS[vibe.mood]}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}
