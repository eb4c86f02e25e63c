import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Search } from 'lucide-react'
import { useEffect, useState } from 'react'
import { tidings } from './api'

/** People whose username begins with what is being typed; the search begins when the typing pauses. */
export function useFound(search: string) {
  const wanted = search.trim().toLowerCase()
  const [query, setQuery] = useState(wanted)
  useEffect(() => {
    const timer = setTimeout(() => setQuery(wanted), 200)
    return () => clearTimeout(timer)
  }, [wanted])
  const { data, error, isFetching } = useQuery({
    queryKey: ['found', query],
    queryFn: () => tidings.users.find(query),
    enabled: query !== '',
    placeholderData: keepPreviousData,
    staleTime: 30_000, // people register all the time; it is asked for by typing alone
  })
  return { users: query ? data : undefined, error, pending: isFetching || query !== wanted }
}

/** Where one types whom to find. */
export function FindPeople({ search, onSearch }: { search: string; onSearch: (search: string) => void }) {
  return (
    <label className="search">
      <span className="visually-hidden">Find people by username</span>
      <Search size={17} />
      <input
        type="search"
        className="input"
        placeholder="Find people by username"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={32}
        value={search}
        onChange={(e) => onSearch(e.target.value)}
      />
    </label>
  )
}
