export function documents(): { asyncapi: any; openapi: any }
export function golden(): { events: any[]; notification: any }
export function generate(): Record<string, string>
