-- A text for a place in a buffer. It stays right while what is typed there is what it says; this file knows how much of it is left.

local position = require('octet.position')

---@class octet.Suggestion
---@field buffer integer
---@field row integer where it begins, from 0
---@field start integer bytes in that row
---@field head string what stands before it in that row
---@field tail string what stands behind the cursor and is replaced
---@field rest string what stands behind that, to the end of the line
---@field text string with what was typed of it; lines end with "\n"
---@field has_crlf boolean whether they end with "\r\n" at the server
---@field item table of the server

local M = {}

--- From an item of the server. nil where it does not fit to the line and the cursor as they are.
---@param item table
---@param buffer integer
---@param encoding string
---@return octet.Suggestion?
function M.new(item, buffer, encoding)
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  row = row - 1
  if type(item.insertText) ~= 'string' or vim.api.nvim_get_current_buf() ~= buffer then
    return nil
  end
  local line = vim.api.nvim_get_current_line()
  local start, stop = column, column
  if item.range then
    if item.range.start.line ~= row or item.range['end'].line ~= row then
      return nil
    end
    start = position.to_offset(line, item.range.start.character, encoding)
    stop = position.to_offset(line, item.range['end'].character, encoding)
  end
  if start > column or stop < column then
    return nil
  end
  local suggestion = {
    buffer = buffer,
    row = row,
    start = start,
    head = line:sub(1, start),
    tail = line:sub(column + 1, stop),
    rest = line:sub(stop + 1),
    text = item.insertText:gsub('\r\n', '\n'),
    has_crlf = item.insertText:find('\r\n', 1, true) ~= nil,
    item = item,
  }
  local left = M.remaining(suggestion)
  return left and left ~= '' and suggestion or nil
end

--- What is left of it behind the cursor, as the buffer is now: "" when all of it is typed, nil when something else is.
---@param suggestion octet.Suggestion
---@return string?
function M.remaining(suggestion)
  if vim.api.nvim_get_current_buf() ~= suggestion.buffer then
    return nil
  end
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  row = row - 1
  if row < suggestion.row or row - suggestion.row > #suggestion.text then
    return nil
  end
  local lines = vim.api.nvim_buf_get_lines(suggestion.buffer, suggestion.row, row + 1, false)
  local last = lines[#lines]
  if last:sub(column + 1) ~= suggestion.tail .. suggestion.rest then
    return nil
  end
  lines[#lines] = last:sub(1, column)
  local typed = table.concat(lines, '\n')
  if #typed < suggestion.start or not vim.startswith(typed, suggestion.head) then
    return nil
  end
  typed = typed:sub(suggestion.start + 1)
  return vim.startswith(suggestion.text, typed) and suggestion.text:sub(#typed + 1) or nil
end

--- The length of a beginning of the text as the server has it, in bytes.
---@param suggestion octet.Suggestion
---@param n_bytes integer of `text`
---@return integer
function M.length_at_server(suggestion, n_bytes)
  local n_lines = select(2, suggestion.text:sub(1, n_bytes):gsub('\n', ''))
  return n_bytes + (suggestion.has_crlf and n_lines or 0)
end

return M
