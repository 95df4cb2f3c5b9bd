// The backend's address, compiled in by the build; the same one for the page and the Worker.

export const CONVEX_URL: string = import.meta.env.VITE_CONVEX_URL
