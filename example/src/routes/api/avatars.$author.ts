import { createFileRoute } from '@tanstack/react-router'
import { isAuthorId } from '../../../shared/names'
import { MAX_BYTES, readAvatar, storeAvatar } from '../../server/avatar.server'
import { bindings, required } from '../../server/bindings.server'
import { fromOwnPage, readLimited } from '../../server/guard.server'
import { knownAuthor } from '../../server/visitor.server'

export const Route = createFileRoute('/api/avatars/$author')({
  server: {
    handlers: {
      GET: async ({ params }) => {
        if (!isAuthorId(params.author) && params.author !== 'webhook')
          return new Response(null, { status: 404 })
        return readAvatar(required(bindings(), 'UPLOADS'), params.author)
      },
      PUT: async ({ params, request }) => {
        if (!fromOwnPage(request) || (await knownAuthor()) !== params.author) {
          return Response.json({ problem: 'This is not your picture.' }, { status: 403 })
        }
        const content = await readLimited(request, MAX_BYTES)
        if (content === null) return Response.json({ problem: 'The picture is too large.' }, { status: 413 })
        const outcome = await storeAvatar(required(bindings(), 'UPLOADS'), params.author, content)
        return outcome.status === 204
          ? new Response(null, { status: 204 })
          : Response.json({ problem: outcome.problem }, { status: outcome.status })
      },
    },
  },
})
