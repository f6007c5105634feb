-- Offsets in bytes within a line, and the characters of the protocol's encodings.

local M = {}

local kHasEncodings = vim.fn.has('nvim-0.11') == 1

--- What stands before a byte offset, in units of the encoding.
---@param line string
---@param offset integer bytes
---@param encoding 'utf-8'|'utf-16'|'utf-32'
---@return integer
function M.to_character(line, offset, encoding)
  offset = math.min(offset, #line)
  if encoding == 'utf-8' then
    return offset
  elseif kHasEncodings then
    return vim.str_utfindex(line, encoding, offset, false)
  end
  local n_utf32, n_utf16 = vim.str_utfindex(line, offset)
  return encoding == 'utf-32' and n_utf32 or n_utf16
end

--- The byte offset of a character; beyond the line's end it is the end.
---@param line string
---@param character integer
---@param encoding 'utf-8'|'utf-16'|'utf-32'
---@return integer
function M.to_offset(line, character, encoding)
  if character >= M.to_character(line, #line, encoding) then
    return #line
  elseif encoding == 'utf-8' then
    return character
  elseif kHasEncodings then
    return vim.str_byteindex(line, encoding, character, false)
  end
  return vim.str_byteindex(line, character, encoding == 'utf-16')
end

return M
