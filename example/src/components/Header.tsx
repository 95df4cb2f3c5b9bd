import { type ChangeEvent, useState } from 'react'
import type { Visitor } from '../visitor'
import { Avatar } from './Avatar'

/** Who you are today, with a picture that can be changed. */
export function Header({ visitor }: { visitor: Visitor }) {
  const [version, setVersion] = useState(0)
  const [message, setMessage] = useState('')

  async function upload(event: ChangeEvent<HTMLInputElement>) {
    const file = event.target.files?.[0]
    event.target.value = ''
    if (file === undefined) return
    const answer = await fetch(`/api/avatars/${visitor.author}`, { method: 'PUT', body: file }).catch(
      () => null,
    )
    if (answer?.ok) {
      setVersion((last) => last + 1)
      setMessage('Your picture is changed.')
    } else {
      const body: { problem?: string } | undefined = await answer?.json().catch(() => undefined)
      setMessage(body?.problem ?? 'The picture could not be sent.')
    }
  }

  return (
    <header className="header">
      <div>
        <h1 className="logo">
          vibe<span>checc</span>
        </h1>
        <p className="tagline">How is everybody?</p>
      </div>
      <label className="me" title="Change your picture">
        <span className="me-name">
          <small>You are</small>
          {visitor.name}
        </span>
        <Avatar author={visitor.author} version={version} />
        <input
          className="visually-hidden"
          type="file"
          accept="image/png,image/jpeg,image/webp"
          aria-label="Change your picture"
          onChange={upload}
        />
      </label>
      <p className="header-message" role="status">
        {message}
      </p>
    </header>
  )
}
