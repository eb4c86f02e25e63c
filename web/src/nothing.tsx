import { MessagesSquare } from 'lucide-react'
import { useLists } from './lists'
import { useNewChat } from './newchat-button'

/** The page beside the list while no chat is open. */
export function Nothing() {
  const some = useLists((s) => s.places.size > 0)
  const newChat = useNewChat()
  return (
    <div className="empty page">
      <MessagesSquare size={40} strokeWidth={1.5} />
      <h2>{some ? 'Choose a chat' : 'Say hello to somebody'}</h2>
      <p>
        {some
          ? 'Or begin a new one. What you miss meanwhile waits in the list.'
          : 'Find people by their username and write to them.'}
      </p>
      {newChat.button('New chat')}
      {newChat.dialog}
    </div>
  )
}
