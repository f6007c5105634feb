-- Takes a suggestion, or a part of it, into the buffer, and tells the server.

local client = require('octet.client')
local completion = require('octet.completion')
local suggestion = require('octet.suggestion')

local M = {}

local kPatterns = {
  word = { '^%s*[%w_\128-\255]+', '^%s*[^%w_%s\128-\255]+', '^%s+' },
  line = { '^\n?[^\n]+', '^\n+' },
}

--- The part of a text that is to be taken; never empty.
---@param left string
---@param part 'all'|'word'|'line'
---@return string
function M.piece(left, part)
  if part ~= 'all' then
    for _, pattern in ipairs(kPatterns[part]) do
      local piece = left:match(pattern)
      if piece then
        return piece
      end
    end
  end
  return left
end

-- Replaces `n_covered` bytes behind the cursor, which stands behind the text then.
local function insert(text, n_covered)
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local lines = vim.split(text, '\n', { plain = true })
  vim.api.nvim_buf_set_text(0, row - 1, column, row - 1, column + n_covered, lines)
  local end_column = #lines == 1 and column + #text or #lines[#lines]
  vim.api.nvim_win_set_cursor(0, { row + #lines - 1, end_column })
end

local function tell_server(s, left, piece)
  if not s.item.command then
    return -- a text that still grew has none yet
  elseif piece == left then
    return client.request('workspace/executeCommand', {
      command = s.item.command.command,
      arguments = s.item.command.arguments,
    }, function() end)
  end
  client.notify('textDocument/didPartiallyAcceptCompletion', {
    item = s.item,
    acceptedLength = suggestion.length_at_server(s, #s.text - #left + #piece),
  })
end

--- Takes what is left behind the text of now; nothing where something else was typed.
---@param part 'all'|'word'|'line'
---@return boolean taken
function M.take(part)
  local s, left = completion.visible()
  if not s or not vim.bo.modifiable then
    return false
  end
  local piece = M.piece(left, part)
  insert(piece, piece == left and #s.tail or 0)
  tell_server(s, left, piece)
  completion.update()
  return true
end

return M
