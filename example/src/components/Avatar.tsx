export function Avatar({ author, version = 0 }: { author: string; version?: number }) {
  const address = `/api/avatars/${author}${version > 0 ? `?v=${version}` : ''}`
  return <img className="avatar" src={address} alt="" width={40} height={40} loading="lazy" />
}
