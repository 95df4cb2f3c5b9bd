import { useMutation } from 'convex/react'
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { api } from '../../convex/_generated/api'
import { isMood, MOOD_LABELS, MOODS } from '../../shared/moods'
import { MAX_TEXT, normalizeText, textLength, textProblem } from '../../shared/text'
import { loadVisitor } from '../page'
import { refusalCode, refusalMessage } from '../refusal'
import type { Visitor } from '../visitor'
import { MoodFace } from './MoodFace'

/** The form. Works without JavaScript too: then the Worker posts and sends the browser back. */
export function Composer({ visitor }: { visitor: Visitor }) {
  const post = useMutation(api.vibes.post)
  const ticket = useRef(visitor.ticket)
  const form = useRef<HTMLFormElement>(null)
  // The browser holds the text, not React: what somebody types before the scripts have started must not get lost.
  const field = useRef<HTMLTextAreaElement>(null)
  const [text, setText] = useState('')
  useEffect(() => setText(field.current?.value ?? ''), [])
  const [sending, setSending] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  const left = MAX_TEXT - textLength(normalizeText(text))

  async function send(vibe: { text: string; mood: (typeof MOODS)[number] }) {
    try {
      await post({ ...vibe, ticket: ticket.current })
    } catch (error) {
      if (refusalCode(error) !== 'ticket_expired') throw error
      // The page was left open over night: ask the Worker for a new ticket, once.
      ticket.current = (await loadVisitor()).ticket
      await post({ ...vibe, ticket: ticket.current })
    }
  }

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const mood = new FormData(event.currentTarget).get('mood')
    const clean = normalizeText(field.current?.value ?? '')
    const found = isMood(mood) ? textProblem(clean) : 'Pick a mood.'
    setProblem(found)
    if (found !== null || !isMood(mood) || sending) return
    setSending(true)
    try {
      await send({ text: clean, mood })
      if (field.current !== null) field.current.value = ''
      setText('')
    } catch (error) {
      setProblem(refusalMessage(error))
    } finally {
      setSending(false)
    }
  }

  function submitByKey(event: KeyboardEvent) {
    if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) form.current?.requestSubmit()
  }

  return (
    <form ref={form} className="card composer" method="post" action="/api/vibes" onSubmit={submit}>
      <label className="composer-label" htmlFor="vibe-text">
        What is your vibe?
      </label>
      <textarea
        ref={field}
        id="vibe-text"
        name="text"
        rows={2}
        required
        placeholder="Say it in a sentence"
        aria-describedby="vibe-left vibe-problem"
        aria-invalid={problem !== null}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={submitByKey}
      />
      <fieldset className="moods">
        <legend className="visually-hidden">Mood</legend>
        {MOODS.map((mood) => (
          <label key={mood} className="mood">
            <input type="radio" name="mood" value={mood} defaultChecked={mood === 'mellow'} />
            <MoodFace mood={mood} />
            <span>{MOOD_LABELS[mood]}</span>
          </label>
        ))}
      </fieldset>
      <div className="composer-end">
        <p id="vibe-problem" className="problem" role="alert">
          {problem}
        </p>
        <span id="vibe-left" className={left < 0 ? 'left over' : 'left'}>
          {left}
          <span className="visually-hidden"> characters left</span>
        </span>
        <button type="submit" disabled={sending}>
          {sending ? 'Posting' : 'Post'}
        </button>
      </div>
    </form>
  )
}
